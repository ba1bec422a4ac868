/*
 * bind.h - the arguments of a kernel, and the table of kernels: what the rewriter's generated lines call.
 *
 * `f(msl_ptr(0), msl_ref(3), msl_at(GROUP))`: each takes the type of the parameter it meets, so the rewriter
 * needs no types. Also checks that the argument was set and is large enough.
 */
#pragma once
#include "rt.h"

namespace mslrt
{
struct entry {
	const char *name;
	void (*call)();
	uint32_t used; /* bit i: buffer i is an argument */
};

inline std::vector<entry> &entries()
{
	static std::vector<entry> all;
	return all;
}

struct enrol {
	enrol(const char *name, void (*call)(), uint32_t used)
	{
		entries().push_back({name, call, used});
	}
};

struct msl_ptr {
	int i;
	explicit msl_ptr(int index) : i(index)
	{
	}
	template <class T> operator T *() const
	{
		if ((uintptr_t)M.args->buf[i] % alignof(T))
			fail("buffer " + std::to_string(i) + " is not aligned for its type");
		return (T *)M.args->buf[i];
	}
};

struct msl_ref {
	int i;
	explicit msl_ref(int index) : i(index)
	{
	}
	template <class T> operator T &() const
	{
		if (M.args->len[i] < sizeof(T))
			fail("buffer " + std::to_string(i) + ": " + std::to_string(M.args->len[i]) +
			     " bytes are set, the kernel's struct has " + std::to_string(sizeof(T)));
		return *(T *)M.args->buf[i];
	}
};

enum where { IN_GRID, IN_GROUP, GROUP, GROUP_SIZE, GROUPS, INDEX, LANE, SIMD, SIMDS, WIDTH_ };

struct msl_at {
	where w;
	explicit msl_at(where what) : w(what)
	{
	}
	uint3_ get() const
	{
		const uint3_ &t = M.fibers[M.cur].pos;

		switch (w) {
		case IN_GRID:
			return {M.group.x * M.size.x + t.x, M.group.y * M.size.y + t.y,
				M.group.z * M.size.z + t.z};
		case IN_GROUP:
			return t;
		case GROUP:
			return M.group;
		case GROUP_SIZE:
			return M.size;
		case GROUPS:
			return M.groups;
		case INDEX:
			return {M.cur, 0, 0};
		case LANE:
			return {M.cur % WIDTH, 0, 0};
		case SIMD:
			return {M.cur / WIDTH, 0, 0};
		case SIMDS:
			return {(uint32_t)M.simds.size(), 0, 0};
		default:
			return {WIDTH, 0, 0};
		}
	}
	operator ::ushort() const
	{
		return (::ushort)get().x;
	}
	operator ::uint() const
	{
		return get().x;
	}
	operator metal::vec<::uint, 2>() const
	{
		return metal::vec<::uint, 2>(get().x, get().y);
	}
	operator metal::vec<::uint, 3>() const
	{
		return metal::vec<::uint, 3>(get().x, get().y, get().z);
	}
};
} // namespace mslrt

inline int msl_dispatch_all(const char *name, const msl_args *args)
{
	for (const mslrt::entry &e : mslrt::entries()) {
		if (strcmp(e.name, name))
			continue;
		for (int i = 0; i < MSL_BUFFERS; i++) {
			if ((e.used >> i & 1) && !args->buf[i]) {
				mslrt::M.error =
					std::string(name) + ": buffer " + std::to_string(i) + " is not set";
				return -1;
			}
		}
		const int rc = mslrt::dispatch(e.call, *args);

		if (rc)
			mslrt::M.error = std::string(name) + ": " + mslrt::M.error;
		return rc;
	}
	mslrt::M.error = std::string("no kernel '") + name + "'";
	return -1;
}

/* All else is hidden, so that libraries loaded side by side share no variable. */
#define MSL_VISIBLE __attribute__((visibility("default")))
#define MSL_EXPORTS                                                                                          \
	extern "C" MSL_VISIBLE int msl_dispatch(const char *name, const msl_args *args)                      \
	{                                                                                                    \
		return msl_dispatch_all(name, args);                                                         \
	}                                                                                                    \
	extern "C" MSL_VISIBLE const char *msl_error(void)                                                   \
	{                                                                                                    \
		return mslrt::M.error.c_str();                                                               \
	}                                                                                                    \
	extern "C" MSL_VISIBLE const char *msl_name(int i)                                                   \
	{                                                                                                    \
		return i < (int)mslrt::entries().size() ? mslrt::entries()[(size_t)i].name : nullptr;        \
	}
