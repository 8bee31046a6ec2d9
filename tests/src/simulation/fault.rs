//! What a wire can do to a call, and where.

/// Where a call stands on its wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// The name is looked up, and a connection made.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The bytes of the request go out.
    Request,
    /// The head of the response is awaited.
    Headers,
    /// The body has begun, and nothing of the answer has come.
    Preamble,
    /// The first piece of the answer comes.
    FirstToken,
    /// More of the answer comes.
    Middle,
    /// The answer is complete; the terminal signal comes.
    Terminal,
}

impl Position {
    /// All of them, in the order a call passes them.
    pub const ALL: [Position; 8] = [
        Position::Connect,
        Position::Tls,
        Position::Request,
        Position::Headers,
        Position::Preamble,
        Position::FirstToken,
        Position::Middle,
        Position::Terminal,
    ];

    /// Its name in tables and logs.
    pub fn name(self) -> &'static str {
        match self {
            Position::Connect => "connect",
            Position::Tls => "tls",
            Position::Request => "request",
            Position::Headers => "headers",
            Position::Preamble => "preamble",
            Position::FirstToken => "first token",
            Position::Middle => "middle",
            Position::Terminal => "terminal",
        }
    }
}

/// What goes wrong on a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The host name is not known.
    Dns,
    /// The host refuses the connection.
    Refused,
    /// The handshake fails.
    Handshake,
    /// The peer resets the connection.
    Reset,
    /// The peer closes the connection.
    Closed,
    /// Nothing comes any more.
    Stall,
    /// Nothing comes for a time.
    Slow,
    /// The rest comes byte by byte, slowly.
    Trickle,
    /// Status 400 with the wire's error body.
    BadRequest,
    /// Status 401, with the key in its body.
    Unauthorized,
    /// Status 404.
    NotFound,
    /// Status 429.
    RateLimited,
    /// Status 429 with a delay in `Retry-After`.
    RateLimitedFor,
    /// Status 429 with a date in `Retry-After`.
    RateLimitedUntil,
    /// Status 500.
    ServerError,
    /// Status 503 with a delay in `Retry-After`.
    UnavailableFor,
    /// Status 529.
    Overloaded,
    /// Status 307 to another origin.
    Redirect,
    /// Status 502 with a page in HTML.
    HtmlError,
    /// Status 200 with a page in HTML.
    WrongContentType,
    /// A body without a byte.
    EmptyBody,
    /// An error as plain JSON where a stream was asked for.
    PlainError,
    /// The wire's error event under status 200.
    ErrorEvent,
    /// Bytes that are no text.
    GarbageBytes,
    /// A frame that is no JSON.
    GarbageJson,
    /// The body ends inside of a character.
    CutCharacter,
    /// The body ends inside of a frame.
    CutFrame,
    /// A frame beyond the limit.
    OversizedFrame,
    /// Frames of a kind that nobody knows.
    UnknownEvent,
    /// Signs of life without content, then nothing.
    KeepAlive,
    /// The terminal signal, twice.
    DuplicateTerminal,
    /// No terminal signal.
    MissingTerminal,
    /// Bytes after the terminal signal.
    BytesAfterTerminal,
    /// The connection stays open after the terminal signal.
    OpenAfterTerminal,
    /// An answer without usage.
    MissingUsage,
}

use Position::{Connect, FirstToken, Headers, Middle, Preamble, Terminal, Tls};

const BODY: &[Position] = &[Preamble, FirstToken, Middle, Terminal];
const HEAD: &str = "the status and the headers come once";
const BYTES: &str = "it is made of bytes of the body";
const LAST: &str = "it is about the end of the answer";

/// Each fault with its name, where it can happen, and why nowhere else.
const TABLE: &[(Fault, &str, &[Position], &str)] = &[
    (Fault::Dns, "unknown host", &[Connect], "names are looked up before anything else"),
    (Fault::Refused, "refused", &[Connect], "a connection that stands is not refused"),
    (Fault::Handshake, "failed handshake", &[Tls], "the handshake is done once"),
    (Fault::Reset, "reset", &Position::ALL, ""),
    (Fault::Closed, "closed", &Position::ALL, ""),
    (Fault::Stall, "stall", &Position::ALL, ""),
    (Fault::Slow, "slow", &Position::ALL, ""),
    (Fault::Trickle, "trickle", BODY, BYTES),
    (Fault::BadRequest, "400", &[Headers], HEAD),
    (Fault::Unauthorized, "401", &[Headers], HEAD),
    (Fault::NotFound, "404", &[Headers], HEAD),
    (Fault::RateLimited, "429", &[Headers], HEAD),
    (Fault::RateLimitedFor, "429, retry after a delay", &[Headers], HEAD),
    (Fault::RateLimitedUntil, "429, retry after a date", &[Headers], HEAD),
    (Fault::ServerError, "500", &[Headers], HEAD),
    (Fault::UnavailableFor, "503, retry after a delay", &[Headers], HEAD),
    (Fault::Overloaded, "529", &[Headers], HEAD),
    (Fault::Redirect, "307 to elsewhere", &[Headers], HEAD),
    (Fault::HtmlError, "502 in HTML", &[Headers], HEAD),
    (Fault::WrongContentType, "200 in HTML", &[Headers], HEAD),
    (Fault::EmptyBody, "empty body", &[Preamble], "a body that has begun is not empty"),
    (Fault::PlainError, "200, error as plain JSON", &[Preamble], "it is the whole body"),
    (Fault::ErrorEvent, "200, error event", BODY, BYTES),
    (Fault::GarbageBytes, "garbage bytes", BODY, BYTES),
    (Fault::GarbageJson, "garbage JSON", BODY, BYTES),
    (Fault::CutCharacter, "cut character", BODY, BYTES),
    (Fault::CutFrame, "cut frame", BODY, BYTES),
    (Fault::OversizedFrame, "oversized frame", BODY, BYTES),
    (Fault::UnknownEvent, "unknown event", BODY, BYTES),
    (Fault::KeepAlive, "keep-alive only", BODY, BYTES),
    (Fault::DuplicateTerminal, "terminal twice", &[Terminal], LAST),
    (Fault::MissingTerminal, "no terminal", &[Terminal], LAST),
    (Fault::BytesAfterTerminal, "bytes after terminal", &[Terminal], LAST),
    (Fault::OpenAfterTerminal, "open after terminal", &[Terminal], LAST),
    (Fault::MissingUsage, "no usage", &[Terminal], LAST),
];

impl Fault {
    /// All of them, in the order of the table.
    pub fn all() -> impl Iterator<Item = Fault> {
        TABLE.iter().map(|(fault, ..)| *fault)
    }

    /// Its name in tables and logs.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |(_, name, ..)| name)
    }

    /// Where it can happen.
    pub fn positions(self) -> &'static [Position] {
        self.row().map_or(&[], |(_, _, at, _)| at)
    }

    /// Why it can't happen elsewhere; empty when it can happen everywhere.
    pub fn why_nowhere_else(self) -> &'static str {
        self.row().map_or("", |(.., why)| why)
    }

    fn row(self) -> Option<&'static (Fault, &'static str, &'static [Position], &'static str)> {
        TABLE.iter().find(|(fault, ..)| *fault == self)
    }

    /// True where the answer comes whole and well-formed all the same, so that the call ends as Finished when
    /// nobody ends it before.
    pub(super) fn is_harmless(self) -> bool {
        matches!(
            self,
            Fault::Slow
                | Fault::Trickle
                | Fault::DuplicateTerminal
                | Fault::BytesAfterTerminal
                | Fault::OpenAfterTerminal
                | Fault::MissingUsage
        )
    }

    /// True for what has a meaning in a stream only, not in a body of one JSON value.
    pub(super) fn needs_a_stream(self) -> bool {
        matches!(
            self,
            Fault::ErrorEvent
                | Fault::UnknownEvent
                | Fault::KeepAlive
                | Fault::DuplicateTerminal
                | Fault::PlainError
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_of_the_table_is_possible_or_has_a_reason() {
        for fault in Fault::all() {
            let everywhere = fault.positions().len() == Position::ALL.len();
            assert_eq!(fault.why_nowhere_else().is_empty(), everywhere, "{fault:?}");
            assert!(!fault.positions().is_empty() && !fault.name().is_empty(), "{fault:?}");
        }
        assert_eq!(Fault::all().count(), 35);
    }
}
