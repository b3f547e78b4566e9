//! Names that expressions can ask for, and that are there once.

use std::collections::BTreeSet;

/// No name is longer, in bytes.
const LONGEST: usize = 100;
/// The longest name of a manifest.
const SLUG: usize = 64;

/// A name in snake_case: `GetPetById`, `pets/get-by-id` and `getPETById` are `get_pet_by_id`, more or less. Empty where it
/// has neither letters nor digits.
pub(super) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, c) in chars.iter().copied().enumerate() {
        if !c.is_ascii_alphanumeric() {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        let before = at.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(at + 1);
        // A word begins with a capital after a small letter, and with the last of several capitals.
        let begins = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase)
            });
        if begins && !out.ends_with('_') {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    bounded(out.trim_end_matches('_'))
}

/// A name that is an identifier already, or one made of it: `filter[status]` is `filter_status`, `Date>` is `Date_gt`.
pub(super) fn identifier(name: &str) -> String {
    if is_identifier(name) && name.len() <= LONGEST {
        return name.to_owned();
    }
    let mut out = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => out.push(c),
            '<' => out.push_str("_lt_"),
            '>' => out.push_str("_gt_"),
            _ if !out.is_empty() && !out.ends_with('_') => out.push('_'),
            _ => {}
        }
    }
    begun(bounded(out.trim_end_matches('_')))
}

/// A name of snake_case that an expression can ask for.
pub(super) fn begun(name: String) -> String {
    match name.chars().next() {
        None => "unnamed".to_owned(),
        Some(c) if c.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
    }
}

/// The name of a manifest, made of a title.
pub(super) fn slug(title: &str) -> String {
    let words = title.to_ascii_lowercase();
    let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut out = words.collect::<Vec<_>>().join("-");
    out.truncate(SLUG);
    let out = out.trim_end_matches('-');
    if out.is_empty() { "api".to_owned() } else { out.to_owned() }
}

/// A name for people: `list_pets` is `List pets`.
pub(super) fn title(name: &str) -> String {
    let words = snake(name).replace('_', " ");
    let mut chars = words.chars();
    chars
        .next()
        .map_or_else(|| name.to_owned(), |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}

/// A name that is not among those taken, and is from now on.
pub(super) fn unique(name: impl Into<String>, taken: &mut BTreeSet<String>) -> String {
    let name = name.into();
    let mut found = name.clone();
    let mut next = 2_u32;
    while !taken.insert(found.clone()) {
        found = format!("{name}_{next}");
        next += 1;
    }
    found
}

/// What asks for a name below another one, in an expression.
pub(super) fn below(root: &str, name: &str) -> String {
    match is_identifier(name) {
        true => format!("{root}.{name}"),
        false => format!("{root}[{}]", quoted(name)),
    }
}

/// A text in an expression.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

pub(super) fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// All of a name of ASCII, as far as names go.
fn bounded(name: &str) -> String {
    name.get(..LONGEST).unwrap_or(name).trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_kinds_become_names_that_expressions_can_ask_for() {
        for (name, expected) in [
            ("GetPetById", "get_pet_by_id"),
            ("listPETs", "list_pe_ts"),
            ("getHTTPStatus", "get_http_status"),
            ("users/list-followers", "users_list_followers"),
            ("v2Get", "v2_get"),
            ("get_pet", "get_pet"),
            ("__x--", "x"),
            ("éà", ""),
        ] {
            assert_eq!(snake(name), expected, "{name}");
        }
        for (name, expected) in [
            ("filter[status]", "filter_status"),
            ("X-Foo", "X_Foo"),
            ("PageSize", "PageSize"),
            ("$top", "top"),
            ("2fa", "_2fa"),
            ("Date<", "Date_lt"),
            ("[]", "unnamed"),
        ] {
            assert_eq!(identifier(name), expected, "{name}");
            assert!(is_identifier(&identifier(name)));
        }
        assert_eq!(slug("Twilio - API (v2)"), "twilio-api-v2");
        assert_eq!(slug("…"), "api");
        assert_eq!(title("listPets"), "List pets");
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut taken = BTreeSet::new();
        let names = ["a", "a", "a_2", "a"].map(|name| unique(name.to_owned(), &mut taken));
        assert_eq!(names, ["a", "a_2", "a_2_2", "a_3"]);
    }
}
