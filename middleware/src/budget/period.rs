//! The periods of a budget, in UTC.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use belvedere_core::clock::{Clock, Instant};
use belvedere_core::duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often a budget is there anew. Its text is a duration such as `1d`, or `month`, or `never`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Every {
    /// It is there once.
    #[default]
    Never,
    /// At the first of each month, at midnight UTC.
    Month,
    /// Each time this long has passed since the beginning of the Unix epoch: a day is that of UTC. Whole seconds.
    Span(Duration),
}

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "never" => Ok(Every::Never),
            "month" => Ok(Every::Month),
            _ => match duration::parse(text) {
                Ok(span) if span.as_secs() > 0 && span.subsec_nanos() == 0 => Ok(Every::Span(span)),
                _ => Err("must be whole seconds or more, such as \"1h\" or \"1d\", or `month`, or `never`"
                    .to_owned()),
            },
        }
    }
}

impl TryFrom<String> for Every {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Every> for String {
    fn from(every: Every) -> String {
        every.to_string()
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Every::Never => f.write_str("never"),
            Every::Month => f.write_str("month"),
            Every::Span(span) => f.write_str(&duration::text(*span)),
        }
    }
}

impl JsonSchema for Every {
    fn schema_name() -> Cow<'static, str> {
        "Every".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A duration such as \"1h\" or \"1d\", or \"month\", or \"never\".",
        })
    }
}

/// One period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    /// When it began, in seconds of the Unix epoch. It is the id of the period: the same in every process.
    pub(super) began: u64,
    /// How long it still lasts; `None` for ever.
    pub(super) left: Option<Duration>,
}

impl Every {
    /// The period at this time since the Unix epoch.
    pub(super) fn at(self, utc: Duration) -> Period {
        let (began, ends) = match self {
            Every::Never => return Period { began: 0, left: None },
            Every::Span(span) => {
                // Whole seconds, and more than none: `from_str` says so, and nothing else makes one from a document.
                let span = span.as_secs().max(1);
                let began = utc.as_secs() / span * span;
                (began, began.saturating_add(span))
            }
            Every::Month => month_at(utc.as_secs()),
        };
        Period { began, left: Some(Duration::from_secs(ends).saturating_sub(utc)) }
    }
}

const DAY: u64 = 86_400;

/// When the month of this second begins, and when the next one does.
fn month_at(second: u64) -> (u64, u64) {
    let (year, month) = civil(second / DAY);
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    (first_day(year, month) * DAY, first_day(next.0, next.1) * DAY)
}

/// Year and month of a day since 1970-01-01, in the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`): years begin in March, so that the leap day is their last.
fn civil(day: u64) -> (u64, u64) {
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month)
}

/// The first day of a month, since 1970-01-01 (`days_from_civil` of the same).
fn first_day(year: u64, month: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// UTC that only goes forward: the wall clock when it was first asked, and since then the time that passed, suspends
/// included. A wall clock that is set afterwards changes nothing: a period is reset once.
#[derive(Debug, Default)]
pub(super) struct Calendar(Mutex<Option<Anchor>>);

#[derive(Debug, Clone, Copy)]
struct Anchor {
    utc: Duration,
    boot: Instant,
}

impl Calendar {
    /// The time since the Unix epoch.
    pub(super) fn utc(&self, clock: &dyn Clock) -> Duration {
        let boot = clock.boot();
        let mut anchor = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let anchor = anchor.get_or_insert_with(|| Anchor {
            utc: clock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            boot,
        });
        // A clock that goes back is held where it was.
        *anchor = Anchor { utc: anchor.utc + boot.since(anchor.boot), boot: boot.max(anchor.boot) };
        anchor.utc
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began(every: Every, utc: u64) -> (u64, u64) {
        let period = every.at(Duration::from_secs(utc));
        (period.began, period.left.unwrap().as_secs())
    }

    #[test]
    fn periods_are_those_of_utc() {
        // 2026-11-21T09:30:00Z.
        let now = 1_795_253_400;
        assert_eq!(began("1d".parse().unwrap(), now), (1_795_219_200, 52_200));
        assert_eq!(began("1h".parse().unwrap(), now), (1_795_251_600, 1_800));
        // From 2026-11-01 to 2026-12-01.
        assert_eq!(began(Every::Month, now), (1_793_491_200, 1_796_083_200 - now));
        assert_eq!(Every::Never.at(Duration::from_secs(now)), Period { began: 0, left: None });
    }

    #[test]
    fn months_follow_each_other_without_a_gap() {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut day = 0;
        for year in 1970..2401_u64 {
            let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            for (month, length) in lengths.iter().enumerate() {
                let length = if month == 1 && is_leap { 29 } else { *length };
                let expected = (day * DAY, (day + length) * DAY);
                assert_eq!(month_at(day * DAY), expected, "{year}, month {month}");
                assert_eq!(month_at((day + length) * DAY - 1), expected, "{year}, month {month}");
                day += length;
            }
        }
    }

    #[test]
    fn what_is_no_period_is_refused_with_words() {
        for wrong in ["0s", "1500ms", "monthly", ""] {
            let error = wrong.parse::<Every>().unwrap_err();
            assert!(error.starts_with("must be whole seconds or more"), "{wrong}: {error}");
        }
        assert_eq!("1d".parse::<Every>().unwrap().to_string(), "1day");
    }
}
