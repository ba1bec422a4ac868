/* hw.c - the tables of hardware files; see hw.h. */
#include "sim/hw/hw.h"

#include <string.h>

#include "sim/hw/field_rows.h"

const char *const dtype_names[DTYPE_N + 1] = {
	[DTYPE_F32] = "f32", [DTYPE_F16] = "f16", [DTYPE_BF16] = "bf16", [DTYPE_N] = NULL};

static const char *const kinds[] = {
	[HW_MACHINE] = "machine", [HW_LINK] = "link", [HW_FAMILY] = "family", [HW_SERVER] = "server", NULL};
static const char *const systems[] = {
	[SYSTEM_UNKNOWN] = "unknown", [SYSTEM_MACOS_15] = "macos-15", [SYSTEM_MACOS_26] = "macos-26", NULL};
const char *const reduce_way_names[] = {[REDUCE_AUTO] = "auto",
					[REDUCE_RING] = "ring",
					[REDUCE_DIRECT] = "direct",
					[REDUCE_SCATTER] = "scatter",
					[REDUCE_TREE] = "tree",
					[REDUCE_HALVING] = "halving",
					[REDUCE_HIERARCHICAL] = "hierarchical",
					NULL};
const char *const topology_names[TOPOLOGY_N + 1] = {
	[TOPOLOGY_PAIR] = "between", [TOPOLOGY_MESH] = "mesh",         [TOPOLOGY_RING] = "ring",
	[TOPOLOGY_CHAIN] = "chain",  [TOPOLOGY_STAR] = "star",         [TOPOLOGY_SWITCH] = "switch",
	[TOPOLOGY_BUS] = "bus",      [TOPOLOGY_FAT_TREE] = "fat_tree", NULL};
static const char *const forwards[] = {
	[FORWARD_CUT_THROUGH] = "cut_through", [FORWARD_STORE] = "store", NULL};
static const char *const duplexes[] = {[DUPLEX_FULL] = "full", [DUPLEX_HALF] = "half", NULL};

#define PEAK(name, index)                                                                                    \
	{                                                                                                    \
		.key = "peak_" name, .offset = offsetof(struct device, peak[index]), .type = FIELD_QTY,      \
		.dim = DIM_FLOPS, .min = 1e6, .max = 1e18, .optional = true,                                 \
		.help = "arithmetic limit in " name "; if not said, cores x per_cycle x clock"               \
	}
#define PER_CYCLE(name, index)                                                                               \
	{                                                                                                    \
		.key = "per_cycle_" name, .offset = offsetof(struct device, per_cycle[index]),               \
		.type = FIELD_QTY, .dim = DIM_COUNT, .min = 1, .max = 1e6, .optional = true,                 \
		.help = "FLOP of one core in a cycle, in " name                                              \
	}

static const struct field device_fields[] = {
	COUNT(struct device, cores, 100000, "cores"),
	{FIELD_KEY(struct device, integers), .type = FIELD_COUNT, .min = 1, .max = 64, .optional = true,
	 .help = "peak of products of 8-bit integers over that of f16: 4 of GeForce, 2 of professional "
		 "cards"},
	{FIELD_KEY(struct device, sums_f16), .type = FIELD_COUNT, .min = 1, .max = 64, .optional = true,
	 .help = "peak of products of f16 summed in f16 over that summed in f32: 2 of GeForce, 1 of "
		 "professional cards"},
	{FIELD_KEY(struct device, fast_cores), .type = FIELD_COUNT, .min = 1, .max = 100000, .optional = true,
	 .help = "of a CPU, those that are not there to save power"},
	QTY_OPT(struct device, clock, DIM_FREQUENCY, 1e6, 1e11, "clock under load"),
	PER_CYCLE("f32", DTYPE_F32),
	PER_CYCLE("f16", DTYPE_F16),
	PER_CYCLE("bf16", DTYPE_BF16),
	PEAK("f32", DTYPE_F32),
	PEAK("f16", DTYPE_F16),
	PEAK("bf16", DTYPE_BF16),
	QTY_OPT(struct device, cache, DIM_BYTES, 1, 1e12, "its own last cache (L2)"),
	QTY_OPT(struct device, idle_power, DIM_POWER, 0, 1e6, "of this device alone, idle"),
	QTY_OPT(struct device, active_power, DIM_POWER, 0, 1e6, "of this device alone, under load"),
	{FIELD_KEY(struct device, runtimes), .type = FIELD_MAP, .optional = true, .sub = &profile_table,
	 .help = "profile of each runtime; NAME@2023-11 is that of an older version"},
};
static const struct table device_table = {"device", sizeof(struct device), device_fields,
					  ARRAY_LEN(device_fields)};

static const struct field memory_fields[] = {
	QTY(struct memory, capacity, DIM_BYTES, 1e6, 1e16, "installed"),
	QTY_OPT(struct memory, usable, DIM_BYTES, 1e6, 1e16,
		"what the GPU may have at once; if not said, the system's share of the capacity"),
	QTY_OPT(struct memory, bandwidth, DIM_BANDWIDTH, 1e3, 1e15,
		"of the bus; if not said, its width x transfers"),
	{FIELD_KEY(struct memory, bus_bits), .type = FIELD_COUNT, .min = 1, .max = 1 << 20, .optional = true,
	 .help = "width of the bus in bits"},
	QTY_OPT(struct memory, transfers, DIM_TRANSFERS, 1e6, 1e12, "of each wire of the bus"),
	QTY_OPT(struct memory, cache, DIM_BYTES, 1, 1e12, "the cache before it that all devices share (SLC)"),
};
static const struct table memory_table = {"memory", sizeof(struct memory), memory_fields,
					  ARRAY_LEN(memory_fields)};

static const struct field disk_fields[] = {
	QTY(struct disk, read, DIM_BANDWIDTH, 1e3, 1e13, "long reads"),
	QTY_OPT(struct disk, write, DIM_BANDWIDTH, 1e3, 1e13, "long writes"),
	QTY_OPT(struct disk, capacity, DIM_BYTES, 1e6, 1e18, "installed"),
};
static const struct table disk_table = {"disk", sizeof(struct disk), disk_fields, ARRAY_LEN(disk_fields)};

static const struct field machine_fields[] = {
	{FIELD_KEY(struct machine, schema), .type = FIELD_TEXT, .help = HW_SCHEMA},
	{FIELD_KEY(struct machine, kind), .type = FIELD_CHOICE, .choices = kinds, .def = "machine",
	 .help = "what this file is"},
	{FIELD_KEY(struct machine, title), .type = FIELD_TEXT, .help = "what a shop would call it"},
	{FIELD_KEY(struct machine, chip), .type = FIELD_TEXT, .help = "what the maker calls the chip"},
	{FIELD_KEY(struct machine, sold_as), .type = FIELD_TEXTS, .optional = true,
	 .help = "trade names by which 'ask' finds it; one with a number in it names the whole product"},
	{FIELD_KEY(struct machine, system), .type = FIELD_CHOICE, .choices = systems, .optional = true,
	 .help = "whose rule gives memory.usable: macOS 15 and older, or 26 and newer"},
	{FIELD_KEY(struct machine, die), .type = FIELD_TEXT, .optional = true,
	 .help = "the chip that its dies are, such as Apple M1 Max of an Ultra"},
	{FIELD_KEY(struct machine, dies), .type = FIELD_COUNT, .min = 1, .max = 64, .def = "1",
	 .help = "pieces of silicon its GPU is spread over"},
	SUB(struct machine, memory, memory_table, "one memory, shared by all devices"),
	{FIELD_KEY(struct machine, disk), .type = FIELD_MAYBE, .sub = &disk_table, .optional = true,
	 .help = "what weights that do not fit are read from"},
	{FIELD_KEY(struct machine, devices), .type = FIELD_MAP, .sub = &device_table,
	 .help = "what computes: gpu, cpu"},
	{FIELD_KEY(struct machine, count), .type = FIELD_COUNT, .min = 1, .max = 1e6, .optional = true,
	 .help = "of a scenario's machine: so many of it, called NAME0, NAME1 ..."},
	QTY_OPT(struct machine, price, DIM_MONEY, 0, 1e9, "list price"),
	QTY_OPT(struct machine, idle_power, DIM_POWER, 0, 1e6, "at the wall, idle"),
	QTY_OPT(struct machine, active_power, DIM_POWER, 0, 1e6, "at the wall, under load"),
	QTY_OPT(struct machine, power_limit, DIM_POWER, 1, 1e6,
		"that it is held to (nvidia-smi -pl), below active_power: clocks are lower"),
	QTY_OPT(struct machine, sustained, DIM_SHARE, 0.01, 1,
		"of its arithmetic, what it keeps when it has worked for minutes, as servers and training "
		"do; "
		"laptops throttle"),
	QTY_OPT(struct machine, sustained_after, DIM_TIME, 1, 1e5,
		"time constant with which it falls to `sustained`, 63 % of the way; not said: one request is "
		"read and answered as when cool"),
	{FIELD_KEY(struct machine, variants), .type = FIELD_YML, .optional = true,
	 .help = "KEY: {...} for each; NAME-KEY is this file with that merged over it"},
};
const struct table machine_table = {"machine", sizeof(struct machine), machine_fields,
				    ARRAY_LEN(machine_fields)};

static const struct field link_point_fields[] = {
	QTY(struct link_point, size, DIM_BYTES, 1, 1e13, "of one message"),
	QTY(struct link_point, bandwidth, DIM_BANDWIDTH, 1, 1e15, "at which it goes, latency left out"),
};
static const struct table link_point_table = {"link point", sizeof(struct link_point), link_point_fields,
					      ARRAY_LEN(link_point_fields)};

bool reduce_of_equals(enum reduce_way way)
{
	return way == REDUCE_RING || way == REDUCE_TREE || way == REDUCE_HALVING;
}

static const char *const equals_names[] = {[EQUALS_NONE] = "none",
					   [EQUALS_TENSOR] = "tensor",
					   [EQUALS_DATA] = "data",
					   [EQUALS_CONTEXT] = "context",
					   NULL};

#define JOINS(topology, name, text)                                                                          \
	{                                                                                                    \
		.key = name,                                                                                 \
		.offset = offsetof(struct link, joins) + (topology) * sizeof(struct field_list),             \
		.type = FIELD_TEXTS, .optional = true, .help = text                                          \
	}
static const struct field link_fields[] = {
	{FIELD_KEY(struct link, schema), .type = FIELD_TEXT, .help = HW_SCHEMA},
	{FIELD_KEY(struct link, kind), .type = FIELD_CHOICE, .choices = kinds, .def = "link",
	 .help = "what this file is"},
	{FIELD_KEY(struct link, title), .type = FIELD_TEXT, .help = "what it is, in words"},
	QTY(struct link, latency, DIM_TIME, 0, 100, "one way, small message"),
	QTY(struct link, bandwidth, DIM_BANDWIDTH, 1, 1e15, "long message"),
	QTY_OPT(struct link, nominal, DIM_BANDWIDTH, 1, 1e15, "on the box, each way"),
	{FIELD_KEY(struct link, bandwidth_by_size), .type = FIELD_LIST, .sub = &link_point_table,
	 .optional = true, .max = 64, .help = "sizes rising; held outside them, between them by logarithms"},
	QTY_OPT(struct link, power, DIM_POWER, 0, 1e4, "of one end, under load"),
	{FIELD_KEY(struct link, duplex), .type = FIELD_CHOICE, .choices = duplexes, .def = "full",
	 .help = "full: both ways at once; half: they share"},
	{FIELD_KEY(struct link, rdma), .type = FIELD_BOOL, .def = "false",
	 .help = "its card reads and writes memory itself, without the system's network stack"},
	{FIELD_KEY(struct link, local), .type = FIELD_BOOL, .def = "false",
	 .help = "both ends run in one process: a runtime's overhead of a stage is not paid"},
	QTY_OPT(struct link, send_copy, DIM_BANDWIDTH, 1, 1e15,
		"GPU to host, where the runtime stages through the host"),
	QTY_OPT(struct link, receive_copy, DIM_BANDWIDTH, 1, 1e15, "host to GPU, likewise"),
	QTY_OPT(struct link, collective_latency, DIM_TIME, 0, 1,
		"what software adds to each operation of all devices of a tensor split"),
	{FIELD_KEY(struct link, all_reduce), .type = FIELD_CHOICE, .choices = reduce_way_names,
	 .optional = true, .help = "how parts of a tensor split are summed; auto: the quickest by formula"},
	{FIELD_KEY(struct link, port), .type = FIELD_TEXT, .optional = true,
	 .help = "name of the machine's network card or controller; its links with one port share its "
		 "bandwidth"},
	QTY_OPT(struct link, port_bandwidth, DIM_BANDWIDTH, 1, 1e15,
		"of a machine's port, each way; not given: that of its fastest link"),
	JOINS(TOPOLOGY_PAIR, "between", "the two machines it joins"),
	JOINS(TOPOLOGY_SWITCH, "switch", "or machines on one switch, each by one port"),
	JOINS(TOPOLOGY_BUS, "bus", "or machines on one medium that all messages share"),
	JOINS(TOPOLOGY_MESH, "mesh", "or machines with a cable between every two"),
	JOINS(TOPOLOGY_RING, "ring", "or machines with a cable from each to the next, the last to the first"),
	JOINS(TOPOLOGY_CHAIN, "chain", "or machines with a cable from each to the next"),
	JOINS(TOPOLOGY_STAR, "star", "or machines with a cable from the first to every other"),
	JOINS(TOPOLOGY_FAT_TREE, "fat_tree", "or machines on leaf switches that others join"),
	{FIELD_KEY(struct link, equals), .type = FIELD_CHOICE, .choices = equals_names, .optional = true,
	 .help = "or the equal devices that each stands for in training, each by a port of its own: the "
		 "ranks of "
		 "tensor_parallel or context_parallel, or the replicas of data_parallel"},
	QTY_OPT(struct link, backplane, DIM_BANDWIDTH, 1, 1e15,
		"of a switch, all messages together; not given: no limit"),
	QTY_OPT(struct link, switch_latency, DIM_TIME, 0, 1,
		"of each switch on the way; not given: part of the latency"),
	{FIELD_KEY(struct link, leaf), .type = FIELD_COUNT, .min = 1, .max = 1e4, .optional = true,
	 .help = "of a fat tree: machines on a leaf switch"},
	{FIELD_KEY(struct link, oversubscription), .type = FIELD_DOUBLE, .min = 1, .max = 1000,
	 .optional = true,
	 .help = "of a fat tree: bandwidth of a leaf's machines to that of its way up; not given: 1"},
	{FIELD_KEY(struct link, forward), .type = FIELD_CHOICE, .choices = forwards, .optional = true,
	 .help = "how machines of a ring, chain or star pass on what is not theirs: packet by packet, or "
		 "whole "
		 "messages; not given: packet by packet"},
	QTY_OPT(struct link, forward_latency, DIM_TIME, 0, 1, "of each machine that passes on"),
	QTY_OPT(struct link, forward_bandwidth, DIM_BANDWIDTH, 1, 1e15,
		"at which a machine passes on, all that it passes on together; not given: no limit"),
};
const struct table link_table = {"link", sizeof(struct link), link_fields, ARRAY_LEN(link_fields)};
