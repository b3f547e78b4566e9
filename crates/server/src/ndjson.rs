//! Whether a client asks for rows one by one, as lines of JSON, by the rules of `Accept` (RFC 9110 section 12.5.1).

use http::{HeaderMap, header};

/// What the format is called: nobody has registered a name.
const NAMES: [&str; 3] = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

/// Whether NDJSON is asked for: by its name, and at least as much as JSON is. Whoever takes anything gets JSON.
pub(crate) fn is_asked(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut lines, mut json) = (0, 0);
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(weight).unwrap_or(1_000);
        match &*media {
            name if NAMES.contains(&name) => lines = lines.max(weight),
            "application/json" => json = json.max(weight),
            // Whatever else is taken says nothing of which of the two.
            _ => {}
        }
    }
    lines > 0 && lines >= json
}

/// The weight that a parameter gives, in thousandths; one that cannot be read takes nothing.
fn weight(parameter: &str) -> Option<u32> {
    let (name, value) = parameter.split_once('=')?;
    name.trim().eq_ignore_ascii_case("q").then(|| {
        let value = value.trim().parse::<f64>().ok().filter(|weight| (0.0..=1.0).contains(weight));
        // Three digits are all there may be.
        (value.unwrap_or_default() * 1e3).round() as u32
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn lines_are_sent_to_those_who_name_them_and_would_not_rather_have_json() {
        for (accept, asked) in [
            (&[][..], false),
            (&["*/*"], false),
            (&["application/*"], false),
            (&["application/json"], false),
            (&["application/x-ndjson"], true),
            (&["application/jsonl"], true),
            (&["Application/NDJSON; q=0.5"], true),
            (&["application/x-ndjson;q=0"], false),
            (&["application/x-ndjson;q=0.000"], false),
            (&["application/x-ndjson;q=high"], false),
            (&["application/x-ndjson, */*;q=0.1"], true),
            (&["*/*, application/x-ndjson;q=0.1"], true),
            (&["application/json, application/x-ndjson"], true),
            (&["application/json;q=0.9, application/x-ndjson;q=0.8"], false),
            (&["application/json;q=0.8", "text/html, application/x-ndjson;charset=utf-8;q=0.9"], true),
        ] {
            let values = accept.iter().map(|value| (header::ACCEPT, HeaderValue::from_static(value)));
            let mut headers = HeaderMap::new();
            for (name, value) in values {
                headers.append(name, value);
            }
            assert_eq!(is_asked(&headers), asked, "{accept:?}");
        }
    }
}
