//! JSON as the text of parameters, which the server's own input functions read.

use std::{borrow::Cow, collections::HashMap};

use bytes::BytesMut;
use postgres_protocol::IsNull;
use serde::Deserialize;
use serde_json::value::RawValue;
use trunkline_core::{Error, Result};

use super::{Catalog, Class, Oid, Shape, bytea, literal};
use crate::sql::{arg::Arg, json};

/// Types and JSON nest no deeper than so for us.
const DEPTH: usize = 16;

impl Catalog {
    /// Writes a parameter of a type as text.
    ///
    /// `null` is NULL. A string is what the server's input function reads, except: for `bytea` it is base64 (standard
    /// or URL-safe), for `json` and `jsonb` it is a JSON string, as any other JSON is itself. Numbers and booleans are
    /// their JSON spelling, so that they fit text columns too. Arrays take JSON arrays (those of `json` of one dimension
    /// only, for what is inside is JSON), composite types JSON objects, in which an attribute that is missing is NULL.
    ///
    /// # Errors
    ///
    /// `invalid_config` where the type takes no such JSON. It does not name the parameter.
    pub(in super::super) fn encode(&self, oid: Oid, arg: &Arg<'_>, out: &mut BytesMut) -> Result<IsNull> {
        self.encoded(oid, arg, out, DEPTH)
    }

    fn encoded(&self, oid: Oid, arg: &Arg<'_>, out: &mut BytesMut, depth: usize) -> Result<IsNull> {
        if matches!(arg, Arg::Null) {
            return Ok(IsNull::Yes);
        }
        if depth == 0 {
            return Err(Error::invalid("nests too deep; send the text that PostgreSQL has for the value"));
        }
        match (self.shape(oid), arg) {
            (Shape::Scalar(Class::Json | Class::Jsonb), arg) => as_json(arg, out),
            (Shape::Scalar(Class::Bytea), Arg::Text(text)) => bytea::to_text(text, out)?,
            (Shape::Scalar(Class::Bytea), _) => return Err(self.takes(oid, "bytes in base64")),
            (Shape::Scalar(Class::Vector), Arg::Json(text)) => {
                let numbers = elements(text).ok_or_else(|| self.takes(oid, "an array of numbers"))?;
                for (n, number) in numbers.iter().enumerate() {
                    if n > 0 {
                        out.extend_from_slice(b" ");
                    }
                    match Arg::of(number) {
                        Arg::Number(number) => out.extend_from_slice(number.as_bytes()),
                        _ => return Err(self.takes(oid, "an array of numbers")),
                    }
                }
            }
            (Shape::Array(element, delimiter), Arg::Json(text)) => {
                let elements = elements(text).ok_or_else(|| self.takes(oid, "an array"))?;
                self.array(element, delimiter, &elements, out, depth)?;
            }
            (Shape::Row(attributes), Arg::Json(text)) => {
                let object =
                    serde_json::from_str::<Object<'_>>(text).map_err(|_| self.takes(oid, "an object"))?;
                self.row(oid, attributes, object.0, out, depth)?;
            }
            (_, Arg::Text(text)) => plain(text, out)?,
            (_, Arg::Number(text)) => out.extend_from_slice(text.as_bytes()),
            (_, Arg::Bool(value)) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            (Shape::Scalar(_), Arg::Json(text)) if text.starts_with('[') => {
                return Err(self.takes(oid, "one value; to compare with a list, write = any(:name)"));
            }
            (Shape::Scalar(class), Arg::Json(_)) => {
                return Err(self.takes(
                    oid,
                    match class {
                        Class::Bool => "true, false or a string",
                        Class::Integer | Class::Digits | Class::Float => "a number or a string",
                        _ => "a string",
                    },
                ));
            }
            (_, Arg::Null) => return Ok(IsNull::Yes),
        }
        Ok(IsNull::No)
    }

    fn array(
        &self,
        element: Oid,
        delimiter: u8,
        values: &[&RawValue],
        out: &mut BytesMut,
        depth: usize,
    ) -> Result<()> {
        if depth == 0 {
            return Err(Error::invalid("nests too deep; send the text that PostgreSQL has for the value"));
        }
        // Where an element can itself be a JSON array, one inside is an element; otherwise it is a dimension.
        let dimensions = !matches!(
            self.shape(element),
            Shape::Array(..) | Shape::Scalar(Class::Json | Class::Jsonb | Class::Vector)
        );
        out.extend_from_slice(b"{");
        let mut scratch = BytesMut::new();
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                out.extend_from_slice(&[delimiter]);
            }
            let arg = Arg::of(value);
            if let Arg::Json(text) = arg
                && dimensions
                && let Some(inner) = elements(text)
            {
                self.array(element, delimiter, &inner, out, depth - 1)?;
                continue;
            }
            scratch.clear();
            let null = self.encoded(element, &arg, &mut scratch, depth - 1);
            match null.map_err(|error| error.at(&format!("element {}", n + 1)))? {
                IsNull::Yes => out.extend_from_slice(b"NULL"),
                IsNull::No => literal::quote(&scratch, out),
            }
        }
        out.extend_from_slice(b"}");
        Ok(())
    }

    fn row(
        &self,
        oid: Oid,
        attributes: &[(String, Oid)],
        mut object: HashMap<Cow<'_, str>, &RawValue>,
        out: &mut BytesMut,
        depth: usize,
    ) -> Result<()> {
        out.extend_from_slice(b"(");
        let mut scratch = BytesMut::new();
        for (n, (name, attribute)) in attributes.iter().enumerate() {
            if n > 0 {
                out.extend_from_slice(b",");
            }
            let Some(value) = object.remove(&**name) else { continue };
            scratch.clear();
            let null = self.encoded(*attribute, &Arg::of(value), &mut scratch, depth - 1);
            if let IsNull::No = null.map_err(|error| error.at(name))? {
                literal::quote(&scratch, out);
            }
        }
        out.extend_from_slice(b")");
        match object.keys().min() {
            Some(unknown) => {
                Err(Error::invalid(format!("{} has no attribute {unknown}", self.name(oid, -1))))
            }
            None => Ok(()),
        }
    }

    fn takes(&self, oid: Oid, what: &str) -> Error {
        Error::invalid(format!("{} takes {what}", self.name(oid, -1)))
    }
}

/// A JSON object as its values were written.
#[derive(Deserialize)]
struct Object<'a>(#[serde(borrow)] HashMap<Cow<'a, str>, &'a RawValue>);

fn elements(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

fn as_json(arg: &Arg<'_>, out: &mut BytesMut) {
    match arg {
        Arg::Null => out.extend_from_slice(b"null"),
        Arg::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Arg::Number(text) | Arg::Json(text) => out.extend_from_slice(text.as_bytes()),
        Arg::Text(text) => {
            let mut quoted = Vec::with_capacity(text.len() + 2);
            json::text(&mut quoted, text);
            out.extend_from_slice(&quoted);
        }
    }
}

fn plain(text: &str, out: &mut BytesMut) -> Result<()> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(Error::invalid("holds the character \\u0000, which PostgreSQL cannot store in a text"));
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        let row = |cells: [&str; 7]| cells.iter().map(|cell| Some((*cell).to_owned())).collect::<Vec<_>>();
        catalog.learn(vec![
            row(["20001", "pair", "c", "0", "0", ",", r#"[["id","23"],["tags","1009"],["doc","114"]]"#]),
            row(["20002", "pair[]", "b", "0", "20001", ",", "[]"]),
            row(["20003", "ids", "d", "1007", "0", ",", "[]"]),
            row(["20004", "ids[]", "b", "0", "20003", ",", "[]"]),
        ]);
        catalog
    }

    fn encoded(oid: Oid, json: &str) -> Result<Option<String>> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        let mut out = BytesMut::new();
        Ok(match catalog().encode(oid, &Arg::of(&raw), &mut out)? {
            IsNull::Yes => None,
            IsNull::No => Some(String::from_utf8(out.to_vec()).unwrap()),
        })
    }

    #[test]
    fn each_type_takes_what_json_has_for_it() {
        for (oid, json, expected) in [
            (16, "true", "true"),
            (16, "\"off\"", "off"),
            (20, "\"9223372036854775807\"", "9223372036854775807"),
            (1700, "1.10", "1.10"),
            (701, "\"NaN\"", "NaN"),
            (25, "1.50", "1.50"),
            (25, "false", "false"),
            (25, r#""a\n\"b""#, "a\n\"b"),
            (17, "\"Yf8A\"", "\\x61ff00"),
            (17, "\"-_8\"", "\\xfbff"),
            (17, "\"\"", "\\x"),
            (114, r#"{"a": 1.0}"#, r#"{"a": 1.0}"#),
            (3802, r#""a""#, r#""a""#),
            (3802, "1.10", "1.10"),
            (1007, "[1,null,\"2\"]", r#"{"1",NULL,"2"}"#),
            (1007, "[[1,2],[3,4]]", r#"{{"1","2"},{"3","4"}}"#),
            (1007, "\"[0:1]={1,2}\"", "[0:1]={1,2}"),
            (1007, "[]", "{}"),
            (1009, r#"["a\"\\b","NULL",""]"#, r#"{"a\"\\b","NULL",""}"#),
            (1020, r#"["(1,1),(0,0)","(2,2),(1,1)"]"#, r#"{"(1,1),(0,0)";"(2,2),(1,1)"}"#),
            (199, "[[1],{\"a\":2}]", r#"{"[1]","{\"a\":2}"}"#),
            (1001, "[\"YQ==\"]", r#"{"\\x61"}"#),
            (22, "[1,2]", "1 2"),
            (20001, r#"{"tags":["a,b"],"doc":[1]}"#, r#"(,"{\"a,b\"}","[1]")"#),
            (20001, "\"(1,,)\"", "(1,,)"),
            (20002, r#"[{"id":1},null]"#, r#"{"(\"1\",,)",NULL}"#),
            (20003, "[1]", r#"{"1"}"#),
            (20004, "[[1],[2,3]]", r#"{"{\"1\"}","{\"2\",\"3\"}"}"#),
            (29999, "\"x\"", "x"),
        ] {
            assert_eq!(encoded(oid, json).unwrap().as_deref(), Some(expected), "{oid} {json}");
        }
        assert_eq!(encoded(114, "null").unwrap(), None);
        assert_eq!(encoded(23, "null").unwrap(), None);
    }

    #[test]
    fn what_a_type_does_not_take_is_said() {
        for (oid, json, expected) in [
            (23, "[1]", "int4 takes one value; to compare with a list, write = any(:name)"),
            (23, "{}", "int4 takes a number or a string"),
            (25, "{}", "text takes a string"),
            (17, "\"%\"", "is no base64, which bytea takes"),
            (17, "1", "bytea takes bytes in base64"),
            (1007, "{}", "int4[] takes an array"),
            (1001, "[\"%\"]", "element 1: is no base64, which bytea takes"),
            (20001, "[1]", "pair takes an object"),
            (20001, r#"{"id":1,"name":2}"#, "pair has no attribute name"),
            (20001, r#"{"tags":{}}"#, "tags: text[] takes an array"),
            (25, r#""a\u0000b""#, "holds the character \\u0000, which PostgreSQL cannot store in a text"),
        ] {
            assert_eq!(encoded(oid, json).unwrap_err().message(), expected);
        }
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert!(encoded(1007, &deep).unwrap_err().message().contains("too deep"));
    }
}
