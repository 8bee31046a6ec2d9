//! What the local server says.

/// The answer to a prompt. A server that can say four things is soon well understood.
pub(crate) fn to(prompt: &str, structured: bool) -> &'static str {
    if structured {
        return r#"{"ends": ["finished", "truncated", "failed", "cancelled"], "success": "finished"}"#;
    }
    if prompt.contains("Belvedere") { BELVEDERE } else { STREAMS }
}

const STREAMS: &str = "Because the bytes alone do not tell. A stream that simply stops may be a whole answer, an answer \
    whose second half was lost with the connection, or one that its reader no longer wanted. Belvedere ends every \
    stream exactly once: finished, truncated, failed or cancelled. Whoever pays for the tokens, tries again, or keeps \
    the answer for later can rely on that one word.";

const BELVEDERE: &str = "A belvedere is a small house with a fine view, built where the land is open on all sides. The \
    library is named after it: requests go through one row of rooms, one after the other, and from each of them you \
    see the whole stream pass by. There are clocks in one room and rules in another. None of them knows which provider \
    waits at the far end, and none of them has to.";
