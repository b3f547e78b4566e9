//! Files beside a request, by the multipart convention (github.com/jaydenseric/graphql-multipart-request-spec): variables
//! have null where a file is, and a map says which file that is.

use bytes::Bytes;
use serde_json::{Map, Value, value::RawValue};
use trunkline_core::{Error, File, Result, exact};

use crate::http::multipart::{Part, encode};

/// Bytes of all files of a request.
pub(super) const MOST: usize = 16 << 20;

/// Longer lists of files nobody sends in one request.
const LONGEST: usize = 1000;

/// Nor so deep in a variable.
const DEEPEST: usize = 32;

/// The body of a request with files, and its media type.
pub(super) fn body(operations: &[u8], files: &[File]) -> Result<(Bytes, String)> {
    let map: Map<String, Value> =
        files.iter().enumerate().map(|(n, file)| (n.to_string(), vec![&*file.path].into())).collect();
    let map = Value::Object(map).to_string();
    let field =
        |name: &'static str, content| Part { name: name.into(), filename: None, media: None, content };
    let mut parts = vec![field("operations", operations.into()), field("map", map.as_bytes().into())];
    parts.extend(files.iter().enumerate().map(|(n, file)| Part {
        name: n.to_string().into(),
        filename: Some(&file.name),
        media: Some(&file.media).map(|media| &**media).filter(|media| !media.is_empty()),
        content: (&*file.content).into(),
    }));
    encode(&parts)
}

/// The variables with null wherever a file is.
///
/// # Errors
///
/// `invalid_config`, naming the file whose place is none.
pub(super) fn placed(variables: Option<&RawValue>, files: &[File]) -> Result<Box<RawValue>> {
    let bad = |_| Error::invalid("variables: must be an object");
    let mut all: Value = exact::read(variables.map_or("{}", RawValue::get).as_bytes()).map_err(bad)?;
    if all.is_null() {
        all = Map::new().into();
    }
    for file in files {
        place(&mut all, &file.path).map_err(|error| error.at(&format!("files.{}", file.path)))?;
    }
    exact::written(&all)
}

fn place(all: &mut Value, path: &str) -> Result<()> {
    let steps = path.strip_prefix("variables.").filter(|steps| !steps.split('.').any(str::is_empty));
    let steps =
        steps.ok_or_else(|| Error::invalid("is no path such as variables.file or variables.files.0"))?;
    let mut at = all;
    if steps.split('.').count() > DEEPEST {
        return Err(Error::invalid(format!("has more than {DEEPEST} steps")));
    }
    for step in steps.split('.') {
        if at.is_null() {
            let list = step.parse::<usize>().is_ok();
            *at = if list { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        }
        at = match at {
            Value::Object(fields) => fields.entry(step).or_insert(Value::Null),
            Value::Array(items) => {
                let n = step.parse().ok().filter(|n| *n < LONGEST);
                let n: usize = n.ok_or_else(|| Error::invalid(format!("{step} is no place in a list")))?;
                if items.len() <= n {
                    items.resize(n + 1, Value::Null);
                }
                &mut items[n]
            }
            _ => return Err(Error::invalid("leads through a variable that is neither an object nor a list")),
        };
    }
    match at.is_null() {
        true => Ok(()),
        false => {
            Err(Error::invalid("there is a value where the file has its place; leave it out or make it null"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::to_raw_value};

    use super::*;

    fn file(path: &str) -> File {
        let (name, media) = ("a.txt".to_owned(), "text/plain".to_owned());
        File { path: path.to_owned(), name, media, content: Bytes::from_static(b"hello") }
    }

    #[test]
    fn a_file_has_null_in_its_place() {
        let given = to_raw_value(&json!({"n": 1, "f": null, "o": {"x": 2}})).unwrap();
        let files = ["variables.f", "variables.o.f", "variables.l.1", "variables.m.f"].map(file);
        let placed: Value = serde_json::from_str(placed(Some(&given), &files).unwrap().get()).unwrap();
        let wanted =
            json!({"n": 1, "f": null, "o": {"x": 2, "f": null}, "l": [null, null], "m": {"f": null}});
        assert_eq!(placed, wanted);
    }

    #[test]
    fn numbers_beside_a_file_stay_as_they_were_written() {
        let given =
            RawValue::from_string(r#"{"a":12345678901234567890123,"b":1.000,"f":null}"#.into()).unwrap();
        assert_eq!(placed(Some(&given), &[file("variables.f")]).unwrap().get(), given.get());
    }

    #[test]
    fn a_place_that_is_none_is_named() {
        let given = to_raw_value(&json!({"n": 1, "l": [1]})).unwrap();
        for path in ["f", "variables.", "variables..f", "variables.n", "variables.n.f", "variables.l.5000"] {
            let error = placed(Some(&given), &[file(path)]).unwrap_err();
            assert!(error.message().starts_with(&format!("files.{path}: ")), "{error}");
        }
    }

    #[test]
    fn the_body_says_which_part_is_which_variable() {
        let (body, media) = body(b"{}", &[file("variables.f")]).unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(media.starts_with("multipart/form-data; boundary="));
        for part in [
            "name=\"operations\"\r\n\r\n{}\r\n",
            "name=\"map\"\r\n\r\n{\"0\":[\"variables.f\"]}\r\n",
            "name=\"0\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
