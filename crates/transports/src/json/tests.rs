//! What must hold for any text: a pointer leads to where `serde_json` finds it, and nowhere where that takes the text for no JSON.

use proptest::prelude::*;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json, value::RawValue};

use super::{Found, Pointer};

/// The same as [`Pointer::find`], with the parser of `serde_json`.
fn parsed<'a>(steps: &[String], json: &'a str) -> Found<'a> {
    let mut at = json;
    for (n, step) in steps.iter().enumerate() {
        match look(at, step) {
            Ok(Step::Value(raw)) => at = raw.get(),
            Ok(Step::Twice) => return Found::Twice,
            Ok(Step::Missing) if n + 1 == steps.len() && at.trim_start().starts_with('{') => {
                return Found::Missing(at);
            }
            Ok(Step::Missing) | Err(_) => return Found::Nothing,
        }
    }
    match !steps.is_empty() || serde_json::from_str::<IgnoredAny>(json).is_ok() {
        true => Found::Value(at),
        false => Found::Nothing,
    }
}

enum Step<'a> {
    Value(&'a RawValue),
    Missing,
    Twice,
}

fn look<'a>(json: &'a str, step: &str) -> serde_json::Result<Step<'a>> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let found = Into(step).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(found)
}

struct Into<'s>(&'s str);

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = Step<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Step<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = Step<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step<'de>, A::Error> {
        let mut found = Step::Missing;
        while let Some(is_it) = map.next_key_seed(Is(self.0))? {
            if !is_it {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&'de RawValue>()?;
            found = match found {
                Step::Missing => Step::Value(value),
                _ => Step::Twice,
            };
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Step<'de>, A::Error> {
        // RFC 6901 section 4: digits without a leading zero.
        let wanted = self.0.parse::<usize>().ok().filter(|n| n.to_string() == self.0);
        let (mut found, mut n) = (Step::Missing, 0);
        loop {
            if Some(n) == wanted {
                let Some(value) = seq.next_element::<&'de RawValue>()? else { return Ok(found) };
                found = Step::Value(value);
            } else if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(found);
            }
            n += 1;
        }
    }
}

/// Whether a name is this one. Names are not copied for that.
struct Is<'s>(&'s str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

/// What looks for steps like these.
fn pointer(steps: &[String]) -> Pointer {
    let steps = steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1")));
    Pointer::parse(&steps.collect::<String>()).unwrap()
}

fn agree(steps: &[String], json: &str) -> Result<(), TestCaseError> {
    prop_assert_eq!(pointer(steps).find(json), parsed(steps, json), "{:?} in {}", steps, json);
    Ok(())
}

/// Names, few enough to be found and to be there twice.
fn names() -> impl Strategy<Value = String> {
    proptest::sample::select(
        &["id", "a", "", "0", "1", "01", "\"", "\\", "/~", "\n", "\u{e9}", "\u{1f600}", "longer than eight"]
            [..],
    )
    .prop_map(str::to_owned)
}

fn steps() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(names(), 0..4)
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        names().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((names(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Texts of what JSON is made of, in any order.
fn texts() -> impl Strategy<Value = String> {
    const PARTS: &str = r#"{ } [ ] {} [] [[ ]] {"a":{ }} , : " "id" "id": "a": "\u0069d": "\u0069\u0064" "\ud83d\ude00": "\ud83d":
        \ \" \\ \u \ud83d \u00e9 \x \n é 😀 x abcdefgh true false null tru nulls 0 1 01 - + . e E 1.5 -0 1e999 1E-7"#;
    let blanks = [" ", "\n", "\t", "\r", "\u{b}", "\u{a0}", "\0", "\u{1f}", "\u{7f}"];
    let parts: Vec<_> = PARTS.split_whitespace().chain(blanks).collect();
    proptest::collection::vec(proptest::sample::select(parts), 0..24).prop_map(|parts| parts.concat())
}

/// A text with some of it left out, said twice, or in another's place.
fn damaged(text: &str, cuts: &[(usize, usize, u8)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for &(from, length, how) in cuts {
        let from = from % (text.len() + 1);
        let part: Vec<_> = text[from..].iter().take(length).copied().collect();
        match how % 3 {
            0 => drop(text.splice(from..from + part.len(), [])),
            1 => drop(text.splice(from..from, part)),
            _ => drop(text.splice(from..from + part.len(), part.into_iter().rev())),
        }
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pointer_leads_to_where_others_find_it(value in values(), steps in steps(), is_pretty in any::<bool>()) {
        let text = if is_pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        agree(&steps, &text)?;
    }

    #[test]
    fn and_in_texts_that_are_nearly_json(
        value in values(),
        steps in steps(),
        cuts in proptest::collection::vec((any::<usize>(), 0..12_usize, any::<u8>()), 1..4),
    ) {
        agree(&steps, &damaged(&value.to_string(), &cuts))?;
    }

    #[test]
    fn and_in_any_text(text in texts(), steps in steps()) {
        agree(&steps, &text)?;
        // What is inside something is looked at though nothing else would be.
        agree(&steps, &format!("{{\"id\":{text}}}"))?;
        agree(&steps, &format!("[{{\"a\":\"{text}\"}}]"))?;
    }
}

#[test]
fn values_may_be_as_deep_as_they_like() {
    let id = ["id".to_owned()];
    for depth in [1, 62, 63, 64, 65, 127, 128, 129, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let text = format!("{{\"deep\": {deep}, \"id\": [7]}}");
            assert_eq!(pointer(&id).find(&text), Found::Value("[7]"), "{depth} {open}");
            for wrong in
                [text.replacen(close, "", 1), text.replacen(&close[..1], ")", 1), text.replacen("1", "1]", 1)]
            {
                assert_eq!(pointer(&id).find(&wrong), Found::Nothing, "{depth} {open}");
            }
        }
    }
}

#[test]
fn what_a_string_may_hold_is_found_at_any_place_in_it() {
    for special in ["\u{1}", "\u{1f}", "\n", "\\x", "\\u12g4", "\\u123"] {
        for length in 0..40 {
            let text = format!("{{\"id\":\"{}{special}{}\"}}", "x".repeat(length), "y".repeat(40 - length));
            assert_eq!(pointer(&["id".to_owned()]).find(&text), Found::Nothing, "{text}");
        }
    }
    for plain in [
        "\u{7f}",
        "\u{80}",
        "\u{a2}",
        "\u{e9}",
        "\u{1f600}",
        " ",
        "!",
        "#",
        "[",
        "]",
        "\\\"",
        "\\\\",
        "\\u12aF",
    ] {
        for length in 0..40 {
            let value = format!("\"{}{plain}{}\"", "x".repeat(length), "y".repeat(40 - length));
            let text = json!({"a": 1, "id": 0}).to_string().replace('0', &value);
            assert_eq!(pointer(&["id".to_owned()]).find(&text), Found::Value(&value), "{text}");
        }
    }
}
