//! `TraceParent`: the trace that a call is part of, as W3C Trace Context writes it.

use std::fmt;

use crate::RequestId;

/// A trace, and the span in it that what comes next is below of (the header `traceparent`,
/// <https://www.w3.org/TR/trace-context/#traceparent-header>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

/// The service, or whoever else is told, may record the trace ("Sampled flag" there).
const SAMPLED: u8 = 0b01;
/// What the flags mean that are known: `sampled`, and `random-trace-id` of level 2. Others have to be set to
/// zero ("Other Flags" there).
const KNOWN: u8 = 0b11;

impl TraceParent {
    /// Reads `VERSION-TRACE-PARENT-FLAGS`; `None` when it is malformed. Of a version that is not known yet it
    /// reads what version 00 has, as "Versioning of traceparent" there says.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (fields, rest) = text.split_at_checked(55)?;
        let [version, trace_id, parent_id, flags] = [0..2, 3..35, 36..52, 53..55].map(|at| hex(&fields[at]));
        let dashes = [2, 35, 52].iter().all(|&at| fields[at] == b'-');
        let whole = match version? {
            0 => rest.is_empty(),
            0xff => false,
            _ => matches!(rest, [] | [b'-', ..]),
        };
        let trace = Self { trace_id: trace_id?, parent_id: parent_id? as u64, flags: flags? as u8 & KNOWN };
        (dashes && whole && trace.trace_id != 0 && trace.parent_id != 0).then_some(trace)
    }

    /// A new trace that begins with a call: its id is the request id, so that who has the one has the other. It
    /// has no parent yet, and is none that could be told to a service.
    pub fn root(call: RequestId) -> Self {
        Self { trace_id: call.as_u128(), parent_id: 0, flags: SAMPLED }
    }

    /// The same trace below a span of it.
    #[must_use]
    pub fn below(self, span_id: u64) -> Self {
        Self { parent_id: span_id, ..self }
    }

    /// The same trace, to be recorded or not.
    #[must_use]
    pub fn sampled(self, sampled: bool) -> Self {
        Self { flags: if sampled { self.flags | SAMPLED } else { self.flags & !SAMPLED }, ..self }
    }

    /// Whether it is to be recorded.
    pub fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The ids of the trace and of the parent; that of the parent is 0 where there is none.
    pub fn ids(self) -> (u128, u64) {
        (self.trace_id, self.parent_id)
    }

    /// The trace's id, 32 digits where it is shown.
    pub fn trace_id(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{:032x}", self.trace_id))
    }
}

/// As version 00.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.parent_id, self.flags)
    }
}

/// At most 32 digits, in lower case as the format demands.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, &digit| match digit {
        b'0'..=b'9' => Some(number << 4 | u128::from(digit - b'0')),
        b'a'..=b'f' => Some(number << 4 | u128::from(digit - b'a' + 10)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    #[test]
    fn what_is_well_formed_is_read_and_nothing_else() {
        let zeros = "0".repeat(32);
        for (text, flags) in [
            (format!("00-{TRACE}-{PARENT}-01"), Some("01")),
            (format!("00-{TRACE}-{PARENT}-00"), Some("00")),
            (format!("00-{TRACE}-{PARENT}-03"), Some("03")),
            // Flags that are not known are set to zero.
            (format!("00-{TRACE}-{PARENT}-ff"), Some("03")),
            // A later version may go on behind a dash.
            (format!("cc-{TRACE}-{PARENT}-01"), Some("01")),
            (format!("cc-{TRACE}-{PARENT}-01-what-is-to-come"), Some("01")),
            (format!("cc-{TRACE}-{PARENT}-01x"), None),
            (format!("00-{TRACE}-{PARENT}-01-"), None),
            (format!("00-{TRACE}-{PARENT}-011"), None),
            (format!("ff-{TRACE}-{PARENT}-01"), None),
            (format!("0-{TRACE}-{PARENT}-01"), None),
            (format!("0x-{TRACE}-{PARENT}-01"), None),
            (format!("00-{zeros}-{PARENT}-01"), None),
            (format!("00-{TRACE}-{}-01", &zeros[..16]), None),
            (format!("00-{}-{PARENT}-01", TRACE.to_uppercase()), None),
            (format!("00-{TRACE}-{PARENT}-0G"), None),
            (format!("00-{TRACE}-{PARENT}-1"), None),
            (format!("00-{TRACE}-{PARENT}"), None),
            (format!("00_{TRACE}-{PARENT}-01"), None),
            (format!("00-{TRACE}_{PARENT}-01"), None),
            (format!("00-{TRACE}-{PARENT}_01"), None),
            (format!(" 00-{TRACE}-{PARENT}-01"), None),
            (format!("00-{TRACE}-{PARENT}-+1"), None),
            (format!("00-{TRACE}-{PARENT}-\u{e9}"), None),
            (String::new(), None),
        ] {
            let expected = flags.map(|flags| format!("00-{TRACE}-{PARENT}-{flags}"));
            let read = TraceParent::parse(text.as_bytes()).map(|trace| trace.to_string());
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn below_a_call_the_trace_goes_on_with_the_end_of_the_request_id_as_parent() {
        let trace = TraceParent::parse(format!("00-{TRACE}-{PARENT}-01").as_bytes()).unwrap();
        let call = RequestId::new();
        let digits = call.to_string().replace('-', "");
        assert_eq!(trace.below(call.span_id()).to_string(), format!("00-{TRACE}-{}-01", &digits[16..]));
        assert_eq!(trace.trace_id().to_string(), TRACE);
    }

    #[test]
    fn a_new_trace_has_the_request_id_as_its_id_and_its_call_as_the_first_span() {
        let call = RequestId::new();
        let digits = call.to_string().replace('-', "");
        let trace = TraceParent::root(call);
        assert_eq!(trace.ids(), (call.as_u128(), 0));
        let below = trace.below(call.span_id());
        assert_eq!(below.to_string(), format!("00-{digits}-{}-01", &digits[16..]));
        assert_eq!(TraceParent::parse(below.to_string().as_bytes()), Some(below));
    }

    #[test]
    fn whether_it_is_recorded_is_one_of_the_flags_and_leaves_the_others() {
        let trace = TraceParent::parse(format!("00-{TRACE}-{PARENT}-03").as_bytes()).unwrap();
        let not = trace.sampled(false);
        assert_eq!((trace.is_sampled(), not.is_sampled()), (true, false));
        assert_eq!(not.to_string(), format!("00-{TRACE}-{PARENT}-02"));
        assert_eq!(not.sampled(true), trace);
    }
}
