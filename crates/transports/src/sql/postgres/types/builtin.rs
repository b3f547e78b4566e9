//! The types every server has, with the numbers its catalog gives them for ever (`pg_type.dat` of PostgreSQL 15), so
//! that most statements are read without a question to the catalog.

use super::Class::{self, *};

/// A type of the server's own, and the type of its arrays.
pub(super) struct BuiltIn {
    pub(super) oid: u32,
    pub(super) name: &'static str,
    /// 0 where there is none.
    pub(super) array: u32,
    pub(super) class: Class,
}

impl BuiltIn {
    /// The type with a number.
    pub(super) fn of(oid: u32) -> Option<&'static Self> {
        TABLE.binary_search_by_key(&oid, |entry| entry.oid).ok().map(|at| &TABLE[at])
    }

    /// The type whose arrays have a number.
    pub(super) fn of_array(oid: u32) -> Option<&'static Self> {
        TABLE.iter().find(|entry| entry.array == oid && oid != 0)
    }

    /// What stands between the elements of its arrays (`typdelim`).
    pub(super) fn delimiter(&self) -> u8 {
        if self.name == "box" { b';' } else { b',' }
    }
}

const fn t(oid: u32, name: &'static str, array: u32, class: Class) -> BuiltIn {
    BuiltIn { oid, name, array, class }
}

/// Sorted by number.
#[rustfmt::skip]
static TABLE: &[BuiltIn] = &[
    t(16, "bool", 1000, Bool),
    t(17, "bytea", 1001, Bytea),
    t(18, "char", 1002, Text),
    t(19, "name", 1003, Text),
    t(20, "int8", 1016, Digits),
    t(21, "int2", 1005, Integer),
    t(22, "int2vector", 1006, Vector),
    t(23, "int4", 1007, Integer),
    t(24, "regproc", 1008, Text),
    t(25, "text", 1009, Text),
    t(26, "oid", 1028, Integer),
    t(27, "tid", 1010, Text),
    t(28, "xid", 1011, Integer),
    t(29, "cid", 1012, Integer),
    t(30, "oidvector", 1013, Vector),
    t(32, "pg_ddl_command", 0, Text),
    t(114, "json", 199, Json),
    t(142, "xml", 143, Text),
    t(194, "pg_node_tree", 0, Text),
    t(269, "table_am_handler", 0, Text),
    t(325, "index_am_handler", 0, Text),
    t(600, "point", 1017, Text),
    t(601, "lseg", 1018, Text),
    t(602, "path", 1019, Text),
    t(603, "box", 1020, Text),
    t(604, "polygon", 1027, Text),
    t(628, "line", 629, Text),
    t(650, "cidr", 651, Text),
    t(700, "float4", 1021, Float),
    t(701, "float8", 1022, Float),
    t(705, "unknown", 0, Text),
    t(718, "circle", 719, Text),
    t(774, "macaddr8", 775, Text),
    t(790, "money", 791, Text),
    t(829, "macaddr", 1040, Text),
    t(869, "inet", 1041, Text),
    t(1033, "aclitem", 1034, Text),
    t(1042, "bpchar", 1014, Text),
    t(1043, "varchar", 1015, Text),
    t(1082, "date", 1182, Text),
    t(1083, "time", 1183, Text),
    t(1114, "timestamp", 1115, Timestamp),
    t(1184, "timestamptz", 1185, TimestampTz),
    t(1186, "interval", 1187, Text),
    t(1266, "timetz", 1270, Text),
    t(1560, "bit", 1561, Text),
    t(1562, "varbit", 1563, Text),
    t(1700, "numeric", 1231, Digits),
    t(1790, "refcursor", 2201, Text),
    t(2202, "regprocedure", 2207, Text),
    t(2203, "regoper", 2208, Text),
    t(2204, "regoperator", 2209, Text),
    t(2205, "regclass", 2210, Text),
    t(2206, "regtype", 2211, Text),
    t(2249, "record", 2287, Text),
    t(2275, "cstring", 1263, Text),
    t(2276, "any", 0, Text),
    t(2277, "anyarray", 0, Text),
    t(2278, "void", 0, Text),
    t(2279, "trigger", 0, Text),
    t(2280, "language_handler", 0, Text),
    t(2281, "internal", 0, Text),
    t(2283, "anyelement", 0, Text),
    t(2776, "anynonarray", 0, Text),
    t(2950, "uuid", 2951, Text),
    t(2970, "txid_snapshot", 2949, Text),
    t(3115, "fdw_handler", 0, Text),
    t(3220, "pg_lsn", 3221, Text),
    t(3310, "tsm_handler", 0, Text),
    t(3361, "pg_ndistinct", 0, Text),
    t(3402, "pg_dependencies", 0, Text),
    t(3500, "anyenum", 0, Text),
    t(3614, "tsvector", 3643, Text),
    t(3615, "tsquery", 3645, Text),
    t(3642, "gtsvector", 3644, Text),
    t(3734, "regconfig", 3735, Text),
    t(3769, "regdictionary", 3770, Text),
    t(3802, "jsonb", 3807, Jsonb),
    t(3831, "anyrange", 0, Text),
    t(3838, "event_trigger", 0, Text),
    t(3904, "int4range", 3905, Text),
    t(3906, "numrange", 3907, Text),
    t(3908, "tsrange", 3909, Text),
    t(3910, "tstzrange", 3911, Text),
    t(3912, "daterange", 3913, Text),
    t(3926, "int8range", 3927, Text),
    t(4072, "jsonpath", 4073, Text),
    t(4089, "regnamespace", 4090, Text),
    t(4096, "regrole", 4097, Text),
    t(4191, "regcollation", 4192, Text),
    t(4451, "int4multirange", 6150, Text),
    t(4532, "nummultirange", 6151, Text),
    t(4533, "tsmultirange", 6152, Text),
    t(4534, "tstzmultirange", 6153, Text),
    t(4535, "datemultirange", 6155, Text),
    t(4536, "int8multirange", 6157, Text),
    t(4537, "anymultirange", 0, Text),
    t(4538, "anycompatiblemultirange", 0, Text),
    t(4600, "pg_brin_bloom_summary", 0, Text),
    t(4601, "pg_brin_minmax_multi_summary", 0, Text),
    t(5017, "pg_mcv_list", 0, Text),
    t(5038, "pg_snapshot", 5039, Text),
    t(5069, "xid8", 271, Digits),
    t(5077, "anycompatible", 0, Text),
    t(5078, "anycompatiblearray", 0, Text),
    t(5079, "anycompatiblenonarray", 0, Text),
    t(5080, "anycompatiblerange", 0, Text),
];
