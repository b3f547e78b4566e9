//! `until`: how long it is until a time that a service writes in a header, in the forms that services have for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Units of durations as `6m0s` (what Go prints), in seconds. A unit comes before those that begin as it does.
const UNITS: [(&str, f64); 7] =
    [("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9), ("d", 86_400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];

/// A number that is more than 10^12 is milliseconds since 1970, more than 10^9 seconds since then, else seconds from now.
/// Besides, there are dates (RFC 3339) and durations such as `6m0s`. What has passed is no time at all; `None` for what is
/// none of these.
pub(super) fn until(text: &str) -> Option<Duration> {
    let text = text.trim();
    let seconds = match text.parse::<f64>() {
        Ok(number) if !number.is_finite() || number < 0.0 => return None,
        Ok(ms) if ms >= 1e12 => ms / 1000.0 - now(),
        Ok(epoch) if epoch >= 1e9 => epoch - now(),
        Ok(seconds) => seconds,
        Err(_) => match text.parse::<Timestamp>() {
            Ok(date) => date.as_duration().as_secs_f64() - now(),
            Err(_) => duration(text)?,
        },
    };
    // What is longer than can be said is longer than anybody waits.
    Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Numbers with their units, one behind the other.
fn duration(mut text: &str) -> Option<f64> {
    let mut seconds = None;
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = text[..end].parse().ok()?;
        let (unit, scale) = UNITS.iter().find(|(unit, _)| text[end..].starts_with(unit))?;
        seconds = Some(seconds.unwrap_or_default() + number * scale);
        text = &text[end + unit.len()..];
    }
    seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_dates_are_read_and_junk_is_not() {
        for (text, millis) in [
            ("1s", 1000),
            ("6m0s", 360_000),
            ("120ms", 120),
            ("1h2m3.5s", 3_723_500),
            ("1m30.951s", 90_951),
            ("2d", 172_800_000),
            ("1970-01-02T00:00:00Z", 0),
        ] {
            assert_eq!(until(text), Some(Duration::from_millis(millis)), "{text}");
        }
        let soon = Timestamp::now() + Duration::from_secs(30);
        for date in [soon.to_string(), soon.strftime("%Y-%m-%dT%H:%MZ").to_string()] {
            let wait = until(&date).unwrap();
            assert!(wait <= Duration::from_secs(30), "{date}: {wait:?}");
        }
        assert!(until(&soon.to_string()).unwrap() > Duration::from_secs(28));
        for text in
            ["", "soon", "s", "1.2.3s", "1x", "1s2", "-1s", "inf", "NaN", "tomorrow", "2026-13-01T00:00:00Z"]
        {
            assert_eq!(until(text), None, "{text}");
        }
    }
}
