//! The `Link` header (RFC 8288), as far as it leads to the next page.

use http::{HeaderMap, header};

/// The target of relation `next` in `Link` headers (RFC 8288 section 3).
pub(super) fn link(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(links).find_map(|(target, params)| {
        let rel = params.split(';').filter_map(|param| param.trim().split_once('='));
        let mut rel = rel.filter(|(name, _)| name.trim().eq_ignore_ascii_case("rel"));
        let next = |value: &str| {
            value.trim_matches(['"', ' ']).split(' ').any(|rel| rel.eq_ignore_ascii_case("next"))
        };
        rel.any(|(_, value)| next(value)).then(|| target.to_owned())
    })
}

/// The targets of a header, with their parameters, without the comma before the next link.
fn links(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let links = value.split('<').skip(1).filter_map(|link| link.split_once('>'));
    links.map(|(target, params)| (target, params.trim_end_matches([',', ' ', '\t'])))
}
