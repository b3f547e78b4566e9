//! What is known of types: those every server has, and those that a session met.

use std::collections::HashMap;

use super::{Class, Shape, Writer, builtin::BuiltIn};

/// The number of a type in `pg_type`.
pub(in super::super) type Oid = u32;

/// So deep do types nest for us. Deeper ones are given and taken as their text.
const DEPTH: usize = 16;

/// Types of one database, beyond those every server has.
#[derive(Debug, Default)]
pub(in super::super) struct Catalog {
    met: HashMap<Oid, Met>,
}

#[derive(Debug)]
struct Met {
    name: String,
    made: Made,
}

#[derive(Debug)]
enum Made {
    Scalar,
    Domain(Oid),
    Array(Oid, u8),
    Row(Vec<(String, Oid)>),
}

impl Catalog {
    /// Which of these types must be looked up, each once.
    pub(in super::super) fn missing(&self, oids: impl Iterator<Item = Oid>) -> Vec<Oid> {
        let mut missing: Vec<_> = oids.filter(|oid| *oid != 0 && !self.knows(*oid)).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    fn knows(&self, oid: Oid) -> bool {
        self.met.contains_key(&oid) || BuiltIn::of(oid).is_some() || BuiltIn::of_array(oid).is_some()
    }

    /// The query that asks the server for types, and for what they are made of however deep. Its rows are for
    /// [`Catalog::learn`]. It is one statement without parameters, whose columns are all to be read as text.
    pub(in super::super) fn query(oids: &[Oid]) -> String {
        let oids = oids.iter().map(Oid::to_string).collect::<Vec<_>>().join(",");
        format!(
            "WITH RECURSIVE needed(oid) AS (\
               SELECT t.oid FROM pg_catalog.pg_type t WHERE t.oid IN ({oids}) \
               UNION \
               SELECT part.oid FROM needed n JOIN pg_catalog.pg_type t ON t.oid = n.oid CROSS JOIN LATERAL (\
                 SELECT t.typelem AS oid WHERE t.typelem <> 0 \
                 UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0 \
                 UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a \
                   WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped\
               ) part\
             ) \
             SELECT t.oid::text, pg_catalog.format_type(t.oid, NULL), t.typtype::text, t.typbasetype::text, \
               CASE WHEN t.typcategory = 'A' AND t.typlen = -1 THEN t.typelem ELSE 0 END::text, \
               e.typdelim::text, \
               (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, a.atttypid::text) \
                  ORDER BY a.attnum)::text \
                FROM pg_catalog.pg_attribute a \
                WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped) \
             FROM needed JOIN pg_catalog.pg_type t ON t.oid = needed.oid \
             LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem"
        )
    }

    /// Remembers what [`Catalog::query`] yielded. A row that is not of its form is passed over: a type that is not
    /// known is text.
    pub(in super::super) fn learn(&mut self, rows: Vec<Vec<Option<String>>>) {
        for row in rows {
            if let Some((oid, met)) = Met::of(row)
                && !self.knows(oid)
            {
                self.met.insert(oid, met);
            }
        }
    }

    /// The name of a type with its modifier, -1 for none: `numeric(10,2)`, `text[]`, `mood`.
    pub(in super::super) fn name(&self, oid: Oid, modifier: i32) -> String {
        if let Some(found) = BuiltIn::of(oid) {
            return named(found.name, modifier);
        }
        if let Some(element) = BuiltIn::of_array(oid) {
            return format!("{}[]", named(element.name, modifier));
        }
        match self.met.get(&oid) {
            // What the server calls the array has the long name of a type of its own, such as `integer`.
            Some(Met { made: Made::Array(element, _), .. }) if *element != oid => match self.met.get(element)
            {
                Some(element) => format!("{}[]", element.name),
                None => format!("{}[]", BuiltIn::of(*element).map_or("unknown", |found| found.name)),
            },
            Some(met) => met.name.clone(),
            None => "unknown".to_owned(),
        }
    }

    /// What writes the values of a type as JSON. The text of a type that is not known becomes a string.
    pub(in super::super) fn writer(&self, oid: Oid) -> Writer {
        self.built(oid, 0, &mut HashMap::new())
    }

    fn built(&self, oid: Oid, depth: usize, seen: &mut HashMap<Oid, Writer>) -> Writer {
        if let Some(writer) = seen.get(&oid) {
            return writer.clone();
        }
        let writer = match self.shape(oid) {
            Shape::Scalar(class) => return Writer::of(class),
            _ if depth == DEPTH => return Writer::of(Class::Text),
            Shape::Array(element, delimiter) => {
                Writer::array(self.built(element, depth + 1, seen), delimiter)
            }
            Shape::Row(attributes) => {
                let mut row = Vec::with_capacity(attributes.len());
                for (name, oid) in attributes {
                    row.push((&**name, self.built(*oid, depth + 1, seen)));
                }
                Writer::row(row.into_iter())
            }
        };
        seen.insert(oid, writer.clone());
        writer
    }

    /// What a type is made of, a domain being what it is over.
    pub(super) fn shape(&self, mut oid: Oid) -> Shape<'_> {
        for _ in 0..DEPTH {
            if let Some(found) = BuiltIn::of(oid) {
                return Shape::Scalar(found.class);
            }
            if let Some(element) = BuiltIn::of_array(oid) {
                return Shape::Array(element.oid, element.delimiter());
            }
            match self.met.get(&oid).map(|met| &met.made) {
                Some(Made::Domain(base)) => oid = *base,
                Some(Made::Array(element, delimiter)) => return Shape::Array(*element, *delimiter),
                Some(Made::Row(attributes)) => return Shape::Row(attributes),
                Some(Made::Scalar) | None => break,
            }
        }
        Shape::Scalar(Class::Text)
    }
}

impl Met {
    fn of(row: Vec<Option<String>>) -> Option<(Oid, Self)> {
        let [oid, name, kind, base, element, delimiter, attributes] = <[_; 7]>::try_from(row).ok()?;
        let number = |text: Option<String>| text.and_then(|text| text.parse::<Oid>().ok());
        let element = number(element).unwrap_or_default();
        let made = match kind?.as_str() {
            "d" => Made::Domain(number(base)?),
            "c" => {
                let attributes: Vec<(String, String)> =
                    serde_json::from_str(attributes.as_deref().unwrap_or("[]")).ok()?;
                let attributes = attributes.into_iter().map(|(name, oid)| Some((name, oid.parse().ok()?)));
                Made::Row(attributes.collect::<Option<_>>()?)
            }
            _ if element != 0 => {
                Made::Array(element, delimiter.and_then(|text| text.bytes().next()).unwrap_or(b','))
            }
            _ => Made::Scalar,
        };
        Some((number(oid)?, Self { name: name?, made }))
    }
}

/// A type of the server's own with its modifier, read as the type's `typmodout` function reads it.
fn named(name: &str, modifier: i32) -> String {
    if modifier < 0 {
        return name.to_owned();
    }
    match name {
        "numeric" if modifier >= 4 => {
            let modifier = modifier - 4;
            // The scale is a signed number of 11 bits since version 15.
            let scale = ((modifier & 0x7ff) ^ 1024) - 1024;
            format!("numeric({},{scale})", (modifier >> 16) & 0xffff)
        }
        "varchar" | "bpchar" if modifier >= 4 => format!("{name}({})", modifier - 4),
        "bit" | "varbit" | "time" | "timetz" | "timestamp" | "timestamptz" => format!("{name}({modifier})"),
        "interval" if modifier & 0xffff != 0xffff => format!("interval({})", modifier & 0xffff),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(
        oid: &str,
        name: &str,
        kind: &str,
        base: &str,
        element: &str,
        attributes: Option<&str>,
    ) -> Vec<Option<String>> {
        let given = [Some(oid), Some(name), Some(kind), Some(base), Some(element), Some(","), attributes];
        given.iter().map(|cell| cell.map(str::to_owned)).collect()
    }

    fn written(catalog: &Catalog, oid: Oid, text: &str) -> String {
        let mut out = Vec::new();
        catalog.writer(oid).write(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_are_short_and_say_what_was_declared() {
        let mut catalog = Catalog::default();
        catalog.learn(vec![
            row("20001", "mood", "e", "0", "0", None),
            row("20002", "mood[]", "b", "0", "20001", None),
            row("20003", "app.\"Big\"", "d", "23", "0", None),
        ]);
        for (oid, modifier, expected) in [
            (20, -1, "int8"),
            (1700, 655_366, "numeric(10,2)"),
            (1700, 133_122, "numeric(2,-2)"),
            (1700, -1, "numeric"),
            (1043, 24, "varchar(20)"),
            (1015, 24, "varchar(20)[]"),
            (1042, 5, "bpchar(1)"),
            (1184, 3, "timestamptz(3)"),
            (1560, 4, "bit(4)"),
            (1009, -1, "text[]"),
            (6157, -1, "int8multirange[]"),
            (20001, -1, "mood"),
            (20002, -1, "mood[]"),
            (20003, -1, "app.\"Big\""),
            (29999, -1, "unknown"),
        ] {
            assert_eq!(catalog.name(oid, modifier), expected);
        }
    }

    #[test]
    fn types_are_looked_up_once_and_only_where_nobody_knows_them() {
        let mut catalog = Catalog::default();
        assert_eq!(catalog.missing([23, 1009, 20001, 20001, 0, 2249].into_iter()), [20001]);
        catalog.learn(vec![
            row("20001", "mood", "e", "0", "0", None),
            vec![None],
            row("x", "y", "z", "", "", None),
        ]);
        assert!(catalog.missing([20001].into_iter()).is_empty());
        assert!(Catalog::query(&[1, 2]).contains("IN (1,2)"));
    }

    #[test]
    fn a_type_made_of_itself_ends_as_text() {
        let mut catalog = Catalog::default();
        catalog.learn(vec![
            row(
                "1000001",
                "tree",
                "c",
                "0",
                "0",
                Some(r#"[["n","23"],["kids","1000002"],["more","1000002"]]"#),
            ),
            row("1000002", "tree[]", "b", "0", "1000001", None),
            row("1000003", "loop", "d", "1000003", "0", None),
        ]);
        assert_eq!(
            written(&catalog, 1_000_001, r#"(1,"{""(2,,)""}",)"#),
            r#"{"n":1,"kids":[{"n":2,"kids":null,"more":null}],"more":null}"#
        );
        assert_eq!(written(&catalog, 1_000_003, "x"), "\"x\"");
    }

    #[test]
    fn a_domain_is_what_it_is_over() {
        let mut catalog = Catalog::default();
        catalog.learn(vec![
            row("20001", "ids", "d", "1007", "0", None),
            row("20002", "ids2", "d", "20001", "0", None),
        ]);
        assert_eq!(written(&catalog, 20002, "{1,NULL}"), "[1,null]");
    }
}
