//! `traceparent` and `tracestate`: the caller's trace goes on to the service, below the call; below each attempt
//! where traces are recorded, which the layer `attempt` sees to.

use http::{HeaderMap, HeaderName, HeaderValue};
use trunkline::{Call, Operation, TraceParent};

const PARENT: HeaderName = HeaderName::from_static("traceparent");
const STATE: HeaderName = HeaderName::from_static("tracestate");

/// The caller's trace, as its request says it.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    parent: TraceParent,
    state: Vec<HeaderValue>,
}

impl Trace {
    /// Takes the trace out of a request's headers. What is malformed is dropped, and with `traceparent` goes
    /// `tracestate`, which means nothing without it (W3C Trace Context, <https://www.w3.org/TR/trace-context/>).
    pub(crate) fn take(headers: &mut HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(PARENT).iter();
        // Of two nobody knows which is meant.
        let only = parents.next().filter(|_| parents.next().is_none());
        let parent = only.and_then(|value| TraceParent::parse(value.as_bytes()));
        let found = parent.map(|parent| Self { parent, state: state(headers).unwrap_or_default() });
        headers.remove(PARENT);
        headers.remove(STATE);
        found
    }

    /// Makes the call part of the trace, and tells the service so in the operation's headers, where it has any
    /// and its caller wrote none into the operation itself.
    pub(crate) fn onto(self, call: &mut Call) {
        call.trace = Some(self.parent);
        let parent = self.parent.below(call.request_id.span_id()).to_string();
        match &mut call.operation {
            Operation::Http(request) if !request.headers.contains_key(PARENT) => {
                let value = HeaderValue::try_from(parent);
                request.headers.insert(PARENT, value.expect("hex digits and dashes are a header value"));
                for value in self.state {
                    request.headers.append(STATE, value);
                }
            }
            Operation::Publish(publish) => {
                let state = self.state.iter().filter_map(|value| value.to_str().ok());
                let state = state.collect::<Vec<_>>().join(",");
                for message in &mut publish.messages {
                    if message.header(PARENT.as_str()).is_none() {
                        message.set_header(PARENT.as_str(), &*parent);
                        if !state.is_empty() {
                            message.set_header(STATE.as_str(), &*state);
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

/// The fields of `tracestate` in their order, if they are well formed together.
fn state(headers: &HeaderMap) -> Option<Vec<HeaderValue>> {
    let mut members = 0;
    for value in headers.get_all(STATE) {
        for member in value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            if !member.is_empty() {
                members += 1;
                is_member(member).then_some(())?;
            }
        }
    }
    // "List" in W3C Trace Context: there can be 32 members.
    (members <= 32).then(|| headers.get_all(STATE).iter().cloned().collect())
}

/// Whether this is `key=value` ("Key" and "Value" there). That a key is unique is for those to see who
/// read the value of one.
fn is_member(member: &[u8]) -> bool {
    let Some(at) = member.iter().position(|&byte| byte == b'=') else { return false };
    let (key, value) = (&member[..at], &member[at + 1..]);
    let simple = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    key.first().is_some_and(simple)
        && key.len() <= 256
        && key.iter().all(|byte| simple(byte) || b"_-*/@".contains(byte))
        && (1..=256).contains(&value.len())
        && value.iter().all(|&byte| matches!(byte, b' '..=b'~') && byte != b'=')
}

#[cfg(test)]
mod tests {
    use trunkline::{HttpRequest, IntegrationId};

    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// What goes on to the service of what a caller sends.
    fn passed(parents: &[&str], states: &[&str]) -> (bool, Vec<String>) {
        let mut headers = HeaderMap::new();
        for (name, values) in [(PARENT, parents), (STATE, states)] {
            for value in values {
                headers.append(&name, value.parse().unwrap());
            }
        }
        let trace = Trace::take(&mut headers);
        assert!(headers.is_empty(), "{headers:?}");
        let mut call = Call::new(IntegrationId::new("a").unwrap(), HttpRequest::get("/"));
        if let Some(trace) = trace {
            trace.onto(&mut call);
        }
        let Operation::Http(request) = &call.operation else { unreachable!() };
        let parent = request.headers.get(PARENT).map(|value| value.to_str().unwrap().to_owned());
        let below = call.trace.map(|trace| trace.below(call.request_id.span_id()).to_string());
        assert_eq!(parent, below);
        let states = request.headers.get_all(STATE).iter().map(|value| value.to_str().unwrap().to_owned());
        (parent.is_some(), states.collect())
    }

    #[test]
    fn what_is_malformed_is_dropped_and_nothing_is_invented() {
        let many = |n: usize| (0..n).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        let long = format!("k={}", "v".repeat(256));
        for (parents, states, parent, state) in [
            (&[][..], &[][..], false, &[][..]),
            (&[], &["a=1"], false, &[]),
            (&["junk"], &["a=1"], false, &[]),
            (&[VALID, VALID], &["a=1"], false, &[]),
            (&[VALID], &[], true, &[]),
            (&[VALID], &["a=1, b@c= 2 ,,d/e_f-g*h=~"], true, &["a=1, b@c= 2 ,,d/e_f-g*h=~"]),
            (&[VALID], &["a=1", "b=2"], true, &["a=1", "b=2"]),
            (&[VALID], &[&many(32)], true, &[&many(32)]),
            (&[VALID], &[&long], true, &[&long]),
            (&[VALID], &["a=1", "junk"], true, &[]),
            (&[VALID], &["A=1"], true, &[]),
            (&[VALID], &["=1"], true, &[]),
            (&[VALID], &["a="], true, &[]),
            (&[VALID], &["a=b=c"], true, &[]),
            (&[VALID], &[&many(33)], true, &[]),
            (&[VALID], &[&format!("{long}v")], true, &[]),
        ] {
            let expected = (parent, state.iter().map(|text| (*text).to_owned()).collect());
            assert_eq!(passed(parents, states), expected, "{parents:?} {states:?}");
        }
    }

    #[test]
    fn a_trace_that_the_described_request_names_itself_stays() {
        let mut headers = HeaderMap::from_iter([(PARENT, HeaderValue::from_static(VALID))]);
        let own = HttpRequest::get("/").header(PARENT, HeaderValue::from_static("own"));
        let mut call = Call::new(IntegrationId::new("a").unwrap(), own);
        Trace::take(&mut headers).unwrap().onto(&mut call);
        let Operation::Http(request) = &call.operation else { unreachable!() };
        assert_eq!(request.headers[PARENT], "own");
    }
}
