//! What the local server says.

/// The answer to a prompt. A server that can say five things is soon well understood.
pub(crate) fn to(prompt: &str, structured: bool) -> &'static str {
    if structured {
        return r#"{"ends": ["finished", "truncated", "failed", "cancelled"], "success": "finished"}"#;
    }
    if prompt.contains("breaks") {
        BROKEN
    } else if prompt.contains("Belvedere") {
        BELVEDERE
    } else {
        STREAMS
    }
}

const STREAMS: &str = "Because the bytes alone do not tell. A stream that simply stops may be a whole answer, an answer \
    whose second half was lost with the connection, or one that its reader no longer wanted. Belvedere ends every \
    stream exactly once: finished, truncated, failed or cancelled. Whoever pays for the tokens, tries again, or keeps \
    the answer for later can rely on that one word.";

const BELVEDERE: &str = "A belvedere is a small house with a fine view, built where the land is open on all sides. The \
    library is named after it: requests go through one row of rooms, one after the other, and from each of them you \
    see the whole stream pass by. There are clocks in one room and rules in another. None of them knows which provider \
    waits at the far end, and none of them has to.";

const BROKEN: &str = "What was shown stays shown. The next attempt is given the beginning of this answer and goes on \
    where it ends, on a connection of its own; nothing is said twice, nothing is left out, and the tokens of both attempts \
    are counted. A notice in the stream tells where the seam is. The reader who looked away has missed nothing but the \
    trouble, and the one who pays has lost only what the first connection took with it.";
