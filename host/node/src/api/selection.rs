//! Which rows of a listing, and in which order: the parameters that all listings have, as texts and as what they mean.

use eventdbx_store::{Filter, Instant, Micros, Sort, Subject};

use super::ApiError;
use crate::wire::{ErrorCode, Reason};

/// What a request says.
#[derive(Debug, Default)]
pub(super) struct SelectionText<'a> {
    pub(super) filter: Option<&'a str>,
    pub(super) sort: Option<&'a str>,
    pub(super) since: Option<&'a str>,
    pub(super) until: Option<&'a str>,
}

/// What it means.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) filter: Option<Filter>,
    pub(super) sort: Option<Sort>,
    pub(super) since: Option<Micros>,
    pub(super) until: Option<Micros>,
}

impl<'a> SelectionText<'a> {
    /// Reads all of it; the error has a reason for each parameter that cannot be read.
    pub(super) fn read(&self, subject: Subject) -> Result<Selection, ApiError> {
        let mut reasons = Vec::new();
        let mut fault = |name: &str, code: &str, message: String| reasons.push(ApiError::reason(name, code, message));
        let filter = self.filter.and_then(|text| match Filter::parse(text, subject) {
            Ok(filter) => Some(filter),
            Err(wrong) => {
                fault("filter", "filter", wrong.to_string());
                None
            }
        });
        let sort = self.sort.and_then(|text| match Sort::parse(text, subject) {
            Ok(sort) => Some(sort),
            Err(wrong) => {
                fault("sort", "sort", wrong.to_string());
                None
            }
        });
        let mut bound = |name: &str, text: Option<&str>| {
            let time = text.and_then(Instant::parse);
            if let (Some(text), None) = (text, time) {
                fault(name, "time", no_time(text));
            }
            time.map(first_micros_of)
        };
        let (since, until) = (bound("since", self.since), bound("until", self.until));
        if let (Some(first), Some(end)) = (since, until)
            && end < first
        {
            let (since, until) = (self.since.unwrap_or_default(), self.until.unwrap_or_default());
            reasons.push(ApiError::reason("until", "upside-down", format!("{until:?} is before `since`, {since:?}")));
        }
        if reasons.is_empty() { Ok(Selection { filter, sort, since, until }) } else { Err(unreadable(reasons)) }
    }

    /// Its texts, for the id of the query.
    pub(super) fn parts(&self) -> [Option<&'a str>; 4] {
        [self.filter, self.sort, self.since, self.until]
    }
}

/// A point in time that must be one.
pub(super) fn time(name: &'static str, text: &str) -> Result<Micros, ApiError> {
    match Instant::parse(text) {
        // Before 1970 nothing was recorded: the first microsecond of all says the same.
        Some(time) => Ok(time.micros().unwrap_or_default()),
        None => Err(ApiError::parameter(ErrorCode::BadRequest, name, "time", no_time(text))),
    }
}

/// Times are kept in microseconds: the first that is not before an instant.
fn first_micros_of(time: Instant) -> Micros {
    match time.micros() {
        None => Micros::default(),
        Some(micros) if Instant::of(micros) < time => micros.next(),
        Some(micros) => micros,
    }
}

fn no_time(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!(
        "{shown:?} is no time: give one like 2013-01-01T05:17:00-05:00, or a date like 2013-01-01, which begins in UTC"
    )
}

fn unreadable(reasons: Vec<Reason>) -> ApiError {
    let mut names: Vec<String> = reasons.iter().map(|reason| format!("`{}`", reason.path)).collect();
    names.dedup();
    ApiError::new(ErrorCode::BadRequest, format!("{} cannot be read", names.join(" and "))).reasons(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told() {
        let text = SelectionText {
            filter: Some("event_typ = 'x'"),
            sort: Some(""),
            since: Some("yesterday"),
            until: Some("2013-02-30"),
        };
        let error = text.read(Subject::Events).unwrap_err().into_body().error;
        let told: Vec<_> = error.reasons.iter().map(|reason| (reason.path.as_str(), reason.code.as_str())).collect();
        assert_eq!(told, [("filter", "filter"), ("sort", "sort"), ("since", "time"), ("until", "time")]);
        assert_eq!(error.message, "`filter` and `sort` and `since` and `until` cannot be read");
        assert!(
            error.reasons[0].message.contains("\n  event_typ = 'x'\n  ^^^^^^^^^\n"),
            "{}",
            error.reasons[0].message
        );
    }

    #[test]
    fn bounds_are_times_and_not_upside_down() {
        let read = |since, until| {
            let text = SelectionText { since: Some(since), until: Some(until), ..SelectionText::default() };
            text.read(Subject::Events).map(|selection| (selection.since.unwrap().get(), selection.until.unwrap().get()))
        };
        assert_eq!(read("1970-01-01", "1970-01-01T00:00:00.0000011Z").unwrap(), (0, 2));
        assert_eq!(read("1960-01-01", "1970-01-01T01:00:00+01:00").unwrap(), (0, 0));
        let error = read("2013-01-02", "2013-01-01").unwrap_err().into_body().error;
        assert_eq!((error.reasons[0].path.as_str(), error.reasons[0].code.as_str()), ("until", "upside-down"));
        assert_eq!(time("at", "1970-01-01T00:00:00.0000019Z").unwrap(), Micros::new(1));
        assert_eq!(time("at", "noon").unwrap_err().into_body().error.reasons[0].path, "at");
    }
}
