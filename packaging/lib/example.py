"""example.py - the library from Python, by ctypes alone: a pandas-ready list of dictionaries.

    python3 example.py m5-vs-m4pro
"""
import ctypes
import ctypes.util
import os
import sys

TEXT, HANDLE, SIZE = ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t


class Value(ctypes.Structure):
    _fields_ = [("name", TEXT), ("unit", TEXT), ("text", TEXT), ("value", ctypes.c_double), ("lo", ctypes.c_double),
                ("hi", ctypes.c_double), ("ci", ctypes.c_double), ("source", TEXT)]


def library(path=None):
    path = path or os.environ.get("LIBLEMURSIM") or ctypes.util.find_library("lemursim")
    if not path:  # CDLL(None) would be Python itself
        raise ValueError("the library liblemursim is not installed: 'make install' does that; or name the file of one that "
                         "'make lib' built, LIBLEMURSIM=build/release/liblemursim.so.0.1.0")
    lib = ctypes.CDLL(path)
    for name, result, arguments in (
            ("new", HANDLE, []), ("free", None, [HANDLE]), ("error_text", TEXT, [HANDLE]), ("load", HANDLE, [HANDLE, TEXT]),
            ("set", None, [HANDLE, TEXT]), ("scenario_free", None, [HANDLE]), ("simulate", HANDLE, [HANDLE, HANDLE]),
            ("sweep", HANDLE, [HANDLE, HANDLE, HANDLE, HANDLE]), ("plan", HANDLE, [HANDLE, HANDLE]),
            ("result_free", None, [HANDLE]), ("rows", SIZE, [HANDLE]), ("row_name", TEXT, [HANDLE, SIZE]),
            ("values", SIZE, [HANDLE, SIZE]), ("value", ctypes.POINTER(Value), [HANDLE, SIZE, SIZE])):
        function = getattr(lib, "lemursim_" + name)
        function.restype, function.argtypes = result, arguments
    return lib


def simulate(lib, scenario, *settings):
    """Each assignment of a scenario as a dictionary of its values."""
    l = lib.lemursim_new()
    s = lib.lemursim_load(l, scenario.encode())
    for setting in settings if s else ():
        lib.lemursim_set(s, setting.encode())
    r = lib.lemursim_simulate(s, None) if s else None
    try:
        if not r:
            raise ValueError(lib.lemursim_error_text(l).decode())
        rows = []
        for i in range(lib.lemursim_rows(r)):
            values = [lib.lemursim_value(r, i, k).contents for k in range(lib.lemursim_values(r, i))]
            rows.append({v.name.decode(): v.text.decode() if v.text else v.value for v in values} |
                        {"name": lib.lemursim_row_name(r, i).decode()})
        return rows
    finally:
        lib.lemursim_result_free(r)
        lib.lemursim_scenario_free(s)
        lib.lemursim_free(l)


if __name__ == "__main__":
    try:
        for row in simulate(library(), *sys.argv[1:]):
            print(f"{row['name']:<30} {row.get('decode_tok_per_s', float('nan')):.1f} tok/s, {row['bound']}")
    except (ValueError, OSError) as error:
        sys.exit(str(error))
