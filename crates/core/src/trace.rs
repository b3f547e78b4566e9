//! `TraceParent`: the caller's trace that a call is part of, as W3C Trace Context writes it.

use std::fmt;

use crate::RequestId;

/// Where a call stands in its caller's trace (the header `traceparent`,
/// <https://www.w3.org/TR/trace-context/#traceparent-header>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

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

    /// The same trace below a call: the parent is the latter half of its request id, which is never zero, so
    /// that whoever looks at the trace of the service finds the call in activity.
    #[must_use]
    pub fn below(self, call: RequestId) -> Self {
        Self { parent_id: call.as_u128() as u64, ..self }
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
        assert_eq!(trace.below(call).to_string(), format!("00-{TRACE}-{}-01", &digits[16..]));
        assert_eq!(trace.trace_id().to_string(), TRACE);
    }
}
