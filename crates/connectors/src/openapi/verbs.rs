//! Names of operations whose document gives them none, or one that only repeats method and path: what is done, and to what.

use super::names;

/// The name for a method and a path: `POST /v1/payment_intents/{intent}/confirm` is `confirm_payment_intent`. Others may have
/// the same.
pub(super) fn name(method: &str, path: &str) -> String {
    let steps = steps(path);
    let words: Vec<String> = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| !is_param(step))
        .map(|(at, step)| match steps.get(at + 1) {
            // One of them.
            Some(next) if is_param(next) => singular(&names::snake(step)),
            _ => names::snake(step),
        })
        .filter(|word| !word.is_empty())
        .collect();
    let Some((last, owners)) = words.split_last() else { return literal(method, path) };
    let of_one = steps.last().is_some_and(|step| is_param(step));
    let several = !of_one && singular(last) != *last;
    let whole = words.join("_");
    let name = match method {
        "get" if last == "search" && !of_one && !owners.is_empty() => format!("search_{}", owners.join("_")),
        "get" if several => format!("list_{whole}"),
        "post" if of_one => format!("update_{whole}"),
        "post" if several || owners.is_empty() => {
            let one = [owners, &[singular(last)]].concat();
            format!("create_{}", one.join("_"))
        }
        // Something that is done to what stands before it.
        "post" => format!("{last}_{}", owners.join("_")),
        "patch" => format!("update_{whole}"),
        method => format!("{method}_{whole}"),
    };
    names::begun(names::snake(&name))
}

/// Method and path as they are.
pub(super) fn literal(method: &str, path: &str) -> String {
    names::begun(names::snake(&format!("{method} {}", steps(path).join(" "))))
}

/// Whether a name of the document's says no more than method and path do.
pub(super) fn is_literal(name: &str, method: &str, path: &str) -> bool {
    let words = |name: &str| {
        let words = name.split('_').filter(|word| !is_version(word)).map(ToOwned::to_owned);
        words.collect::<Vec<_>>()
    };
    words(name) == words(&literal(method, path))
}

/// The steps of a path, but for what stands before all.
fn steps(path: &str) -> Vec<&str> {
    let steps = path.trim_end_matches(".json").split('/').filter(|step| !step.is_empty());
    steps.skip_while(|step| is_version(step) || ["api", "rest"].contains(step)).collect()
}

fn is_param(step: &str) -> bool {
    step.starts_with('{')
}

/// `v1`, `3` or `2010-04-01`.
fn is_version(step: &str) -> bool {
    let numbers = step.strip_prefix(['v', 'V']).unwrap_or(step);
    numbers.starts_with(|c: char| c.is_ascii_digit())
        && numbers.chars().all(|c| c.is_ascii_digit() || ".-".contains(c))
}

/// A word of several things as that of one, as far as its end tells.
fn singular(word: &str) -> String {
    let changed =
        [("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("uses", "us")];
    if let Some((stem, end)) =
        changed.iter().find_map(|(from, to)| word.strip_suffix(from).map(|stem| (stem, to)))
    {
        return format!("{stem}{end}");
    }
    let same = ["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    word.strip_suffix('s').filter(|_| !same).unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_done_and_to_what() {
        for (method, path, expected) in [
            ("get", "/v1/payment_intents", "list_payment_intents"),
            ("post", "/v1/payment_intents", "create_payment_intent"),
            ("get", "/v1/payment_intents/{intent}", "get_payment_intent"),
            ("post", "/v1/payment_intents/{intent}", "update_payment_intent"),
            ("post", "/v1/payment_intents/{intent}/confirm", "confirm_payment_intent"),
            ("get", "/v1/payment_intents/search", "search_payment_intents"),
            ("delete", "/api/v2/addresses/{id}", "delete_address"),
            ("patch", "/people/{id}/statuses/{status}", "update_people_status"),
            ("put", "/pets/{name}", "put_pet"),
            ("get", "/2010-04-01/Accounts/{Sid}/Messages.json", "list_account_messages"),
            ("get", "/balance", "get_balance"),
            ("post", "/login", "create_login"),
            ("get", "/{id}", "get_id"),
            ("get", "/", "get"),
        ] {
            assert_eq!(name(method, path), expected, "{method} {path}");
        }
        assert!(is_literal("get_customers_customer", "get", "/v1/customers/{customer}"));
        assert!(!is_literal("get_customer", "get", "/v1/customers/{customer}"));
    }
}
