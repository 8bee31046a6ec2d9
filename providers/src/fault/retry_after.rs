//! When the provider says to come back: headers, structured bodies, and hints in message text.
//!
//! A value without a clear unit, a negative one and one that is no number are ignored; a date in the past means
//! "now". Nothing here can fail.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use belvedere_core::error::RetryAfter;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName};
use serde_json::{Map, Value};

/// Longer delays are cut to this: nobody waits so long, and sums with it cannot overflow a clock.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

// Names are read once: each answer is asked for all of them.
static MILLIS: [HeaderName; 2] =
    [HeaderName::from_static("retry-after-ms"), HeaderName::from_static("x-ms-retry-after-ms")];
static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
static RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// What OpenAI-style headers say of each limit: how much is left, and when it is full again.
static LIMITS: [(HeaderName, HeaderName); 2] = [
    (
        HeaderName::from_static("x-ratelimit-remaining-requests"),
        HeaderName::from_static("x-ratelimit-reset-requests"),
    ),
    (
        HeaderName::from_static("x-ratelimit-remaining-tokens"),
        HeaderName::from_static("x-ratelimit-reset-tokens"),
    ),
];

/// Seconds, also fractional, as a delay.
fn seconds(value: f64) -> Option<Duration> {
    if value.is_nan() || value < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(value).map_or(LONGEST, |d| d.min(LONGEST)))
}

/// The delay in `retry-after-ms`, `x-ms-retry-after-ms` or `Retry-After` (RFC 9110, section 10.2.3; fractions of
/// a second are accepted, too). A date is compared with the response's own `Date`, where there is one: both come
/// from one clock.
pub(super) fn of_headers(headers: &HeaderMap) -> Option<RetryAfter> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let millis = MILLIS.iter().find_map(|name| seconds(text(name)?.parse::<f64>().ok()? / 1000.0));
    if let Some(delay) = millis {
        return Some(RetryAfter::after(delay));
    }
    let value = text(&RETRY_AFTER)?;
    if let Ok(number) = value.parse::<f64>() {
        return seconds(number).map(RetryAfter::after);
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(match text(&DATE).and_then(|now| httpdate::parse_http_date(now).ok()) {
        Some(now) => RetryAfter::after(date.duration_since(now).unwrap_or_default().min(LONGEST)),
        None => RetryAfter::at(date),
    })
}

/// When the rate limit that is used up is full again: `x-ratelimit-reset-tokens: 6m0s` beside
/// `x-ratelimit-remaining-tokens: 0` (OpenAI, Groq), or the Unix time in `x-ratelimit-reset` (OpenRouter).
pub(super) fn window_reset(headers: &HeaderMap) -> Option<RetryAfter> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let exhausted = LIMITS.iter().filter(|(remaining, _)| text(remaining) == Some("0"));
    if let Some(delay) = exhausted.filter_map(|(_, reset)| duration(text(reset)?)).max() {
        return Some(RetryAfter::after(delay));
    }
    if text(&REMAINING) != Some("0") {
        return None;
    }
    unix_time(text(&RESET)?).map(RetryAfter::at)
}

/// A Unix time in milliseconds or seconds. The two are told apart by size, from September 2001 on.
fn unix_time(text: &str) -> Option<SystemTime> {
    let number = text.parse::<u64>().ok()?;
    let since = match number {
        1_000_000_000_000..=9_999_999_999_999 => Duration::from_millis(number),
        1_000_000_000..=9_999_999_999 => Duration::from_secs(number),
        _ => return None,
    };
    UNIX_EPOCH.checked_add(since)
}

/// The delay in a structured body: Google's `details[].retryDelay`, `retry_after` in seconds, `retry_after_ms`,
/// and the upstream headers that OpenRouter passes on.
pub(super) fn of_object(map: &Map<String, Value>) -> Option<RetryAfter> {
    if let Some(Value::Array(details)) = map.get("details") {
        let delay = details.iter().find_map(|d| duration(d.get("retryDelay")?.as_str()?));
        if let Some(delay) = delay {
            return Some(RetryAfter::after(delay));
        }
    }
    let number = |key: &str| map.get(key).and_then(Value::as_f64);
    let stated = number("retry_after_ms").map(|ms| ms / 1000.0).or_else(|| number("retry_after"));
    if let Some(delay) = stated.and_then(seconds) {
        return Some(RetryAfter::after(delay));
    }
    let headers = map.get("metadata")?.get("headers")?.as_object()?;
    let header = |name: &str| {
        let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value.as_str())
    };
    if let Some(delay) = header("retry-after").and_then(|text| seconds(text.trim().parse().ok()?)) {
        return Some(RetryAfter::after(delay));
    }
    if header("x-ratelimit-remaining") != Some("0") {
        return None;
    }
    unix_time(header("x-ratelimit-reset")?).map(RetryAfter::at)
}

/// The delay that a sentence names: "try again in 6.5s", "retry after 20 seconds", "wait 1 minute 30 seconds".
/// A number without a unit tells nothing.
pub(super) fn hint(message: &str) -> Option<RetryAfter> {
    // Between the cue and the number stand a few words at most: "retry your request after about 20 seconds".
    const WORDS_BETWEEN: usize = 5;
    let lower = message.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().map(trim).collect();
    let cues = words.iter().enumerate().filter(|(_, word)| {
        matches!(**word, "retry" | "again" | "wait" | "resets" | "reset" | "available" | "retrying")
    });
    cues.filter_map(|(at, _)| {
        let after = words.get(at + 1..)?;
        let number =
            after.iter().take(WORDS_BETWEEN).position(|w| w.starts_with(|c: char| c.is_ascii_digit()))?;
        spoken(after.get(number..)?)
    })
    .map(RetryAfter::hint)
    .next()
}

fn trim(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_ascii_alphanumeric())
}

/// A duration at the start of these words: `1m30s`, `20 seconds`, `1 minute and 30 seconds`.
fn spoken(words: &[&str]) -> Option<Duration> {
    let mut sum: Option<Duration> = None;
    let mut words = words.iter().filter(|word| **word != "and");
    while let Some(word) = words.next() {
        let step = match duration(word) {
            Some(step) => Some(step),
            None => word.parse::<f64>().ok().and_then(|n| seconds(n * unit(words.next()?)?)),
        };
        let Some(step) = step else { break };
        sum = Some(sum.unwrap_or_default().saturating_add(step).min(LONGEST));
    }
    sum
}

/// A duration in one word, each number with its unit: `6m0s`, `48.9s`, `350ms`.
fn duration(word: &str) -> Option<Duration> {
    let mut rest = word;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let split = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(split)?;
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (name, after) = after.split_at_checked(end)?;
        let step = seconds(number.parse::<f64>().ok()? * unit(name)?)?;
        sum = sum.saturating_add(step).min(LONGEST);
        rest = after;
    }
    (!word.is_empty()).then_some(sum)
}

/// A unit's length in seconds.
fn unit(name: &str) -> Option<f64> {
    Some(match name {
        "ms" | "msec" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}
