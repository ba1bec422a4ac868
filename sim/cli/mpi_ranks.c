/* mpi_ranks.c - items handed out by messages of MPI-3; see mpi_ranks.h. */
#include "sim/cli/mpi_ranks.h"

#include <mpi.h>
#ifdef OPEN_MPI
#include <mpi-ext.h>
#endif
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "sim/base/mem.h"
#include "sim/base/vec.h"

/* To rank 0: READY with the key, BROKEN with why it cannot begin, ROW and FAILED with what became of an item. From rank 0:
 * ITEM with a number, NO_ITEM to end. */
enum { TAG_READY, TAG_BROKEN, TAG_ROW, TAG_FAILED, TAG_ITEM };
enum { NO_ITEM = -1 };

int mpi_ranks_begin(struct mpi_ranks *ranks, struct err *err)
{
	int level;

	if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS ||
	    level < MPI_THREAD_FUNNELED)
		return err_set(err, "--mpi: MPI does not start");
#ifdef MPIX_ERR_PROC_FAILED
	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
#endif
	MPI_Comm_rank(MPI_COMM_WORLD, &ranks->rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks->size);
	return 0;
}

void mpi_ranks_end(void)
{
	MPI_Finalize();
}

/* Waits for a message without keeping a core busy, which MPI_Probe() does. */
static int wait_for(int from, MPI_Status *status)
{
	struct timespec nap = {.tv_nsec = 16 * 1024};
	int there = 0, rc;

	while ((rc = MPI_Iprobe(from, MPI_ANY_TAG, MPI_COMM_WORLD, &there, status)) == MPI_SUCCESS &&
	       !there) {
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < 256 * 1024)
			nap.tv_nsec *= 2;
	}
	return rc;
}

static int receive_text(const MPI_Status *status, struct str *text)
{
	int len = 0, rc;
	char *bytes;

	MPI_Get_count(status, MPI_CHAR, &len);
	bytes = xmalloc((size_t)len + 1);
	rc = MPI_Recv(bytes, len, MPI_CHAR, status->MPI_SOURCE, status->MPI_TAG, MPI_COMM_WORLD,
		      MPI_STATUS_IGNORE);
	str_clear(text);
	if (rc == MPI_SUCCESS)
		str_add_n(text, bytes, (size_t)len);
	free(bytes);
	return rc;
}

static int send_text(int tag, const char *text, size_t len)
{
	return MPI_Send(text, (int)len, MPI_CHAR, 0, tag, MPI_COMM_WORLD);
}

/* ---- rank 0 ---- */

enum state { STARTING, BUSY, IDLE, LOST };

struct follower {
	enum state state;
	size_t item; /* while it is busy: an index into the list of items */
};

struct lead {
	const struct mpi_work *work;
	struct follower *ranks; /* [size]; rank 0's own is unused */
	int size;
	size_t next, limit; /* the next item; none from the limit on is handed out */
	size_t done;        /* and taken */
	VEC(size_t) back;   /* items of lost ranks */
	struct str text;    /* of the last message */
	struct str *failed;
	struct err *err;
};

static size_t next_item(struct lead *l)
{
	if (*l->work->stop)
		l->limit = 0;
	while (l->back.n) {
		const size_t item = l->back.at[--l->back.n];

		if (item < l->limit)
			return item;
	}
	return l->next < l->limit ? l->next++ : SIZE_MAX;
}

static int send_item(int rank, int64_t item)
{
	return MPI_Send(&item, 1, MPI_INT64_T, rank, TAG_ITEM, MPI_COMM_WORLD);
}

/* Gives an item to each rank that waits for one. A rank that cannot be reached any more is found lost by the next wait. */
static void give(struct lead *l)
{
	for (int i = 1; i < l->size; i++) {
		const size_t item = l->ranks[i].state == IDLE ? next_item(l) : SIZE_MAX;

		if (item == SIZE_MAX)
			continue;
		l->ranks[i] = (struct follower){BUSY, item};
		send_item(i, (int64_t)l->work->items[item]);
	}
}

static bool all_idle(const struct lead *l)
{
	bool idle = true;

	for (int i = 1; i < l->size; i++)
		idle = idle && l->ranks[i].state >= IDLE;
	return idle;
}

static void refuse(struct lead *l, int rank)
{
	l->limit = 0;
	err_set(l->err, "rank %d has other files than rank 0, or another version of this program", rank);
	err_hint(l->err, "each machine needs the same scenario, hardware and models");
}

static void finish(struct lead *l, size_t item, int tag)
{
	const struct mpi_work *w = l->work;

	if (tag == TAG_ROW && w->take(w->self, l->text.text, l->text.len) == 0)
		l->done++;
	else if (tag == TAG_ROW)
		l->limit = 0;
	if (tag == TAG_FAILED && item < l->limit) {
		l->limit = item;
		str_clear(l->failed);
		str_add_n(l->failed, l->text.text, l->text.len);
	}
}

static void hear(struct lead *l, const MPI_Status *status)
{
	struct follower *f = &l->ranks[status->MPI_SOURCE];

	if (receive_text(status, &l->text) != MPI_SUCCESS || f->state == LOST)
		return;
	if (status->MPI_TAG == TAG_BROKEN && l->limit) {
		l->limit = 0;
		err_set(l->err, "rank %d cannot begin: %.400s", status->MPI_SOURCE, l->text.text);
	} else if (status->MPI_TAG == TAG_READY && l->limit && strcmp(l->text.text, l->work->key) != 0) {
		refuse(l, status->MPI_SOURCE);
	} else if (status->MPI_TAG == TAG_ROW || status->MPI_TAG == TAG_FAILED) {
		finish(l, f->item, status->MPI_TAG);
	}
	f->state = IDLE;
}

/* Takes back what ranks had that are lost; -1: the MPI library cannot tell which. */
static int note_lost(struct lead *l)
{
#ifdef MPIX_ERR_PROC_FAILED
	MPI_Group lost, all;

	if (MPIX_Comm_failure_ack(MPI_COMM_WORLD) != MPI_SUCCESS ||
	    MPIX_Comm_failure_get_acked(MPI_COMM_WORLD, &lost) != MPI_SUCCESS)
		return -1;
	MPI_Comm_group(MPI_COMM_WORLD, &all);
	for (int i = 1; i < l->size; i++) {
		int there = MPI_UNDEFINED;

		MPI_Group_translate_ranks(all, 1, &i, lost, &there);
		if (there == MPI_UNDEFINED || l->ranks[i].state == LOST)
			continue;
		if (l->ranks[i].state == BUSY)
			VEC_ADD(&l->back, l->ranks[i].item);
		l->ranks[i].state = LOST;
	}
	MPI_Group_free(&lost);
	MPI_Group_free(&all);
	return 0;
#else
	(void)l;
	return -1;
#endif
}

int mpi_ranks_hand_out(const struct mpi_ranks *ranks, const struct mpi_work *work, struct str *failed,
		       struct err *err)
{
	struct lead l = {.work = work,
			 .size = ranks->size,
			 .limit = work->n,
			 .text = STR_INIT,
			 .failed = failed,
			 .err = err};
	int rc = 0;

	l.ranks = xcalloc((size_t)ranks->size, sizeof *l.ranks);
	while (rc == 0 && !all_idle(&l)) {
		MPI_Status status;

		if (wait_for(MPI_ANY_SOURCE, &status) == MPI_SUCCESS)
			hear(&l, &status);
		else
			rc = note_lost(&l);
		give(&l);
	}
	for (int i = 1; i < l.size; i++)
		if (l.ranks[i].state == IDLE)
			send_item(i, NO_ITEM);
	if (l.limit == work->n && l.done < work->n)
		err_set(err, "all ranks but this one were lost");
	rc = l.done < work->n ? -1 : 0;
	VEC_FREE(&l.back);
	str_release(&l.text);
	free(l.ranks);
	return rc;
}

/* ---- the other ranks ---- */

static int64_t await_item(void)
{
	MPI_Status status;
	int64_t item = NO_ITEM;

	if (wait_for(0, &status) != MPI_SUCCESS ||
	    MPI_Recv(&item, 1, MPI_INT64_T, 0, TAG_ITEM, MPI_COMM_WORLD, MPI_STATUS_IGNORE) != MPI_SUCCESS)
		return NO_ITEM;
	return item;
}

int mpi_ranks_serve(const char *key, const char *why, int (*run)(void *self, size_t item, struct str *text),
		    void *self)
{
	const char *const first = key ? key : why;
	struct str text = STR_INIT;
	int rc = send_text(key ? TAG_READY : TAG_BROKEN, first, strlen(first));

	for (int64_t item; rc == MPI_SUCCESS && (item = await_item()) != NO_ITEM;) {
		const int tag = run(self, (size_t)item, &text) == 0 ? TAG_ROW : TAG_FAILED;

		rc = send_text(tag, text.text, text.len);
		str_clear(&text);
	}
	str_release(&text);
	return rc == MPI_SUCCESS ? 0 : -1;
}
