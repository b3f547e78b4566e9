//! What request and response say about caching, from `Cache-Control`, `CDN-Cache-Control` and `Pragma`.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::directives::{Argument, FOREVER, each, members};

/// Addressed to caches that stand before a service, of which this is one (RFC 9213 section 3.1).
pub(super) const TARGETED: HeaderName = HeaderName::from_static("cdn-cache-control");

/// What a request says (RFC 9111 section 5.2.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) only_if_cached: bool,
    pub(super) max_age: Option<u64>,
    pub(super) min_fresh: Option<u64>,
    /// Without an argument any staleness will do.
    pub(super) max_stale: Option<u64>,
}

impl Asked {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut asked = Self::default();
        if !headers.contains_key(header::CACHE_CONTROL) {
            // RFC 9111 section 5.4: clients of old say it so.
            asked.no_cache = headers.get(header::PRAGMA).is_some_and(|value| {
                value
                    .to_str()
                    .is_ok_and(|text| members(text).any(|word| word.eq_ignore_ascii_case("no-cache")))
            });
            return asked;
        }
        each(headers.get_all(header::CACHE_CONTROL), |name, argument| match name {
            "no-store" => asked.no_store = true,
            "no-cache" => asked.no_cache = true,
            "only-if-cached" => asked.only_if_cached = true,
            // What cannot be read asks for the strictest.
            "max-age" => asked.max_age = Some(argument.seconds().unwrap_or(0)),
            "min-fresh" => asked.min_fresh = Some(argument.seconds().unwrap_or(FOREVER)),
            "max-stale" if argument == Argument::None => asked.max_stale = Some(FOREVER),
            "max-stale" => asked.max_stale = argument.seconds(),
            _ => {}
        });
        asked
    }

    /// Whether the request takes anything that is fresh.
    pub(super) fn is_plain(&self) -> bool {
        !self.no_store && !self.no_cache && self.max_age.is_none() && self.min_fresh.is_none()
    }
}

/// What a response says (RFC 9111 section 5.2.2, RFC 5861).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) private: bool,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    pub(super) proxy_revalidate: bool,
    pub(super) must_understand: bool,
    /// Zero where it cannot be read, or is there twice with two values (RFC 9111 section 4.2.1).
    pub(super) max_age: Option<u64>,
    /// As `max_age`.
    pub(super) s_maxage: Option<u64>,
    pub(super) stale_while_revalidate: Option<u64>,
    pub(super) stale_if_error: Option<u64>,
    /// Fields that may not be kept: arguments of `private` and `no-cache`.
    pub(super) withheld: Vec<HeaderName>,
    /// Whether a targeted field said it: then `Expires` does not count (RFC 9213 section 2.2).
    pub(super) targeted: bool,
}

impl Said {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if let Some(said) = Self::targeted(headers) {
            return said;
        }
        let mut said = Self::default();
        each(headers.get_all(header::CACHE_CONTROL), |name, argument| said.take(name, &argument));
        said
    }

    /// RFC 9213 section 2.2: a targeted field that is there, not empty and no nonsense takes the place of
    /// `Cache-Control` and `Expires`.
    fn targeted(headers: &HeaderMap) -> Option<Self> {
        headers.get(&TARGETED)?;
        let lines: Vec<_> =
            headers.get_all(&TARGETED).iter().map(HeaderValue::to_str).collect::<Result<_, _>>().ok()?;
        let dictionary: Dictionary = Parser::new(&lines.join(",")).parse().ok()?;
        let mut said = Self { targeted: true, ..Self::default() };
        for (key, entry) in &dictionary {
            let ListEntry::Item(item) = entry else { continue };
            let argument = match &item.bare_item {
                BareItem::Boolean(true) => Argument::None,
                BareItem::Boolean(false) => continue,
                BareItem::Integer(number) => Argument::Text(number.to_string().into()),
                BareItem::String(text) => Argument::Text(text.as_str().to_owned().into()),
                BareItem::Token(text) => Argument::Text(text.as_str().to_owned().into()),
                _ => Argument::Broken,
            };
            // A lifetime that is no number makes nonsense of the field.
            if matches!(key.as_str(), "max-age" | "s-maxage")
                && !matches!(item.bare_item, BareItem::Integer(_))
            {
                return None;
            }
            said.take(key.as_str(), &argument);
        }
        (!dictionary.is_empty()).then_some(said)
    }

    fn take(&mut self, name: &str, argument: &Argument<'_>) {
        match name {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache |= !self.withhold(argument),
            "private" => self.private |= !self.withhold(argument),
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            "max-age" => lifetime(&mut self.max_age, argument),
            "s-maxage" => lifetime(&mut self.s_maxage, argument),
            "stale-while-revalidate" => self.stale_while_revalidate = argument.seconds(),
            "stale-if-error" => self.stale_if_error = argument.seconds(),
            _ => {}
        }
    }

    /// Takes the fields that `private` or `no-cache` is about (RFC 9111 sections 5.2.2.4 and 5.2.2.7); `false`
    /// where it names none that can be read, and so is about everything.
    fn withhold(&mut self, argument: &Argument<'_>) -> bool {
        let Argument::Text(text) = argument else { return false };
        let named: Result<Vec<HeaderName>, _> = members(text).map(str::parse).collect();
        match named {
            Ok(named) if !named.is_empty() => {
                self.withheld.extend(named);
                true
            }
            _ => false,
        }
    }

    /// Whether what has gone stale may not be used without asking, whoever would like to (RFC 9111 section
    /// 4.2.4).
    pub(super) fn never_stale(&self) -> bool {
        self.no_cache || self.must_revalidate || self.proxy_revalidate
    }
}

fn lifetime(slot: &mut Option<u64>, argument: &Argument<'_>) {
    let seconds = argument.seconds().unwrap_or(0);
    *slot = Some(if slot.is_some_and(|before| before != seconds) { 0 } else { seconds });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::headers;

    fn said(line: &'static str) -> Said {
        Said::of(&headers(&[("cache-control", line)]))
    }

    #[test]
    fn what_conflicts_counts_in_its_strictest_reading() {
        // RFC 9111 section 4.2.1.
        assert_eq!(said("max-age=1, max-age=1800").max_age, Some(0));
        assert_eq!(said("max-age=5, max-age=5").max_age, Some(5));
        assert_eq!(said("max-age=junk").max_age, Some(0));
        let two = headers(&[("cache-control", "max-age=3600"), ("cache-control", "s-maxage=1, No-Cache")]);
        let two = Said::of(&two);
        assert!((two.max_age, two.s_maxage) == (Some(3600), Some(1)) && two.no_cache);
    }

    #[test]
    fn private_and_no_cache_with_fields_are_about_those_fields() {
        // RFC 9111 sections 5.2.2.4 and 5.2.2.7.
        let said_so = said("private=\"set-cookie, X-A\", no-cache=b");
        assert!(!said_so.private && !said_so.no_cache);
        assert_eq!(said_so.withheld, ["set-cookie", "x-a", "b"]);
        for line in ["private", "private=\"\"", "private=\"a b\"", "private=\"a", "private="] {
            assert!(said(line).private, "{line}");
        }
    }

    #[test]
    fn a_targeted_field_wins_unless_it_is_nonsense() {
        // RFC 9213 section 2.2.
        for (line, max_age, targeted) in [
            ("max-age=60", Some(60), true),
            ("max-age=60;x=1, foo", Some(60), true),
            ("max-age=1, max-age=60", Some(60), true),
            ("max-age=-1", Some(0), true),
            ("no-store", None, true),
            ("", Some(7), false),
            ("max-age=\"60\"", Some(7), false),
            ("max-age=60, &&&&", Some(7), false),
            ("max-age =60", Some(7), false),
            ("MaX-aGe=60", Some(7), false),
        ] {
            let said = Said::of(&headers(&[("cache-control", "max-age=7"), ("cdn-cache-control", line)]));
            assert_eq!((said.max_age, said.targeted), (max_age, targeted), "{line}");
        }
    }

    #[test]
    fn requests_that_cannot_be_read_get_the_strictest_answer() {
        let asked = |line| Asked::of(&headers(&[("cache-control", line)]));
        assert_eq!(asked("max-age=x").max_age, Some(0));
        assert_eq!(asked("max-stale").max_stale, Some(FOREVER));
        assert_eq!(asked("max-stale=x").max_stale, None);
        assert_eq!(asked("min-fresh=x").min_fresh, Some(FOREVER));
        assert!(Asked::of(&headers(&[("pragma", "No-Cache")])).no_cache);
        assert!(!Asked::of(&headers(&[("pragma", "no-cache"), ("cache-control", "x")])).no_cache);
    }
}
