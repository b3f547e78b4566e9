//! What the scanner says of statements: whether they read, and the like.

use super::*;

/// Facts as letters: `r`eads, `s`table, `c`lean, transaction con`t`rol.
fn letters(sql: &str, dialect: Dialect) -> String {
    let facts = scanned(sql, dialect).facts;
    [(facts.reads, 'r'), (facts.stable, 's'), (facts.clean, 'c'), (facts.control, 't')]
        .iter()
        .filter_map(|(holds, letter)| holds.then_some(*letter))
        .collect()
}

#[test]
fn facts_of_what_all_dialects_share() {
    for dialect in ALL {
        for (sql, expected) in [
            ("", ""),
            ("select 1", "rsc"),
            ("((SELECT 1) union (select 2))", "rsc"),
            ("values (1), (2)", "rsc"),
            ("with x (a) as (select 1) select count(*) from x where a in (1, 2)", "rsc"),
            ("with recursive x(a) as (select 1) select * from x as y(b)", "rsc"),
            ("select coalesce(max(a), 0), cast(b as numeric(10, 2)) from t where exists (select 1)", "rsc"),
            ("select rank() over (partition by a) from t", "rsc"),
            ("select 'delete', \"update\", t.update, t.into from t", "rsc"),
            ("select replace(a, 'x', 'y') from t", "rsc"),
            ("select random()", "rc"),
            ("select current_timestamp", "rc"),
            ("select mine()", ""),
            ("select public.lower(a)", ""),
            ("select \"lower\"(a)", ""),
            ("select lower /* x */ (a), f -- y\n (1)", ""),
            ("select grösse(1)", ""),
            ("select 1; select mine()", ""),
            ("select * from t for update", "c"),
            ("select * into x from t", ""),
            ("with x as (delete from t returning a) select * from x", "c"),
            ("explain select 1", "rsc"),
            ("explain analyze select 1", "c"),
            ("explain (analyze) delete from t", "c"),
            ("insert into t (a, b) values (1, lower('x'))", "c"),
            ("insert into s.t(a) select 1", "c"),
            ("insert into t (a) values (mine())", ""),
            ("update t set (a, b) = (1, 2)", "c"),
            ("delete from t where a = 1", "c"),
            ("create table if not exists t (a int references u (b), c varchar(10))", "c"),
            ("create unique index i on t (lower(a))", "c"),
            ("create table t as select 1 from u join v on mine(1) = 1", ""),
            ("create temp table t (a int)", ""),
            ("CREATE TEMPORARY VIEW v AS SELECT 1", ""),
            ("drop table t", "c"),
            ("set x = 1", ""),
            ("select 1; set x = 1", ""),
            ("pragma foreign_keys", ""),
            ("prepare p as select 1", ""),
            ("declare c cursor for select 1", ""),
            ("listen x", ""),
            ("lock table t", ""),
            ("1 select", ""),
            ("begin", "t"),
            (" ( begin", "t"),
            ("select 1; COMMIT", "t"),
            ("end", "t"),
            ("rollback to a", "t"),
            ("savepoint a", "t"),
            ("xa start 'a'", "t"),
            ("start transaction", "t"),
            ("prepare transaction 'a'", "t"),
            ("set transaction read only", "t"),
            ("set session characteristics as transaction read only", "t"),
            ("select 'begin', case when 1 then 2 end", "rsc"),
        ] {
            assert_eq!(letters(sql, dialect), expected, "{dialect:?} {sql}");
        }
    }
}

#[test]
fn facts_of_one_dialect() {
    for (dialect, sql, expected) in [
        (Postgres, "select pg_catalog.lower(a)", "rsc"),
        (Postgres, "select x.pg_catalog.lower(a)", ""),
        (Postgres, "select \"pg_catalog\".mine(a)", ""),
        (Postgres, "select pg_sleep(1)", "rc"),
        (Postgres, "select nextval('s')", "c"),
        (Postgres, "select set_config('a', 'b', false)", ""),
        (Postgres, "select pg_advisory_lock(1)", ""),
        (Postgres, "select lo_create(1)", ""),
        (Postgres, "select dblink('x')", ""),
        (Postgres, "select $$delete$$", "rsc"),
        (Postgres, "select * from t for key share", "c"),
        (Postgres, "select * from t for no key update", "c"),
        (Postgres, "select substring(a from 1 for 2) from t", "rsc"),
        (Postgres, "create table pg_temp.t (a int)", ""),
        (Postgres, "create table test.pg_temp.t (a int)", ""),
        (Postgres, "create table \"pg_temp\".t (a int)", ""),
        (Postgres, "create table U&\"pg\\005ftemp\".t (a int)", ""),
        (Postgres, "create table t as execute p(1)", ""),
        (Postgres, "select 1 from t where a = any (array[1])", "rsc"),
        (Postgres, "do $$ begin end $$", ""),
        (Postgres, "copy t to stdout", ""),
        (MySql, "select @x", ""),
        (MySql, "select @x := 1", ""),
        (MySql, r"select @x \:= 1", ""),
        (MySql, "select @@version", "rsc"),
        (MySql, "select get_lock('a', 1)", ""),
        (MySql, "select sleep(1)", "rc"),
        (MySql, "select * from t lock in share mode", "c"),
        (MySql, "select next value for s", "c"),
        (MySql, "select s.nextval", "c"),
        (MySql, "select 1 into outfile 'x'", ""),
        (MySql, "show create table t", "rsc"),
        (MySql, "describe t", "rsc"),
        (MySql, "replace into t values (1)", "c"),
        (MySql, "insert ignore into t values (1) on duplicate key update a = values(a)", "c"),
        (MySql, "select /*! 1 */", ""),
        (MySql, "/*!99999 select */ begin", "t"),
        (MySql, "/*! begin */", "t"),
        (MySql, "/*!99999 select 1 from */ set autocommit = 0", "t"),
        (MySql, "set autocommit = 0", "t"),
        (MySql, "set @@autocommit = 0", "t"),
        (MySql, "set `autocommit` = 0", "t"),
        (Sqlite, "select datetime('now')", "rc"),
        (Sqlite, "select load_extension('x')", ""),
        (Sqlite, "select [lower](a)", ""),
        (Sqlite, "create table temp.t (a)", ""),
        (Sqlite, "create table 'temp'.t (a)", ""),
        (Sqlite, "create table [temp].t (a)", ""),
        (Sqlite, "insert or replace into t values (1)", "c"),
        (Sqlite, "attach 'x' as y", ""),
    ] {
        assert_eq!(letters(sql, dialect), expected, "{dialect:?} {sql}");
    }
}

#[test]
fn the_first_keyword_is_that_of_the_first_statement() {
    for (sql, expected) in [
        ("-- x\n ((select 1)); insert into t values (1)", "SELECT"),
        (";; With x as (select 1) select 1", "WITH"),
        ("\"select\" 1", ""),
        ("", ""),
    ] {
        assert_eq!(&*scanned(sql, Postgres).facts.first, expected, "{sql}");
    }
    assert_eq!(&*scanned("/*!50000 select */ 1", MySql).facts.first, "SELECT");
}
