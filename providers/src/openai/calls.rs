//! Routes the fragments of tool calls to the calls they belong to.
//!
//! The specification has one index per call. Servers differ: indices drift, all calls share one, there are no
//! ids, or whole calls come without either. What can't be routed is an error, never a guess.

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};

/// A fragment of a call: what is new of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fragment<'a> {
    pub(crate) index: Option<u32>,
    pub(crate) id: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) input: &'a str,
}

/// A call that has begun.
#[derive(Debug, Default)]
pub(crate) struct Call {
    index: Option<u32>,
    pub(crate) id: SmolStr,
    pub(crate) name: SmolStr,
    /// The part it is in.
    pub(crate) part: u32,
    /// False until its name is known: until then its input is held.
    pub(crate) started: bool,
    pub(crate) held: String,
    input: Extent,
}

/// Where a fragment goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To the call at this position.
    To(usize),
    /// To a call that begins with it.
    New,
    /// It says nothing.
    Nowhere,
}

/// The calls of one choice, in the order they began.
#[derive(Debug, Default)]
pub(crate) struct Calls(Vec<Call>);

impl Calls {
    /// Finds the call a fragment belongs to.
    ///
    /// # Errors
    /// `Malformed` when the fragment belongs to no call.
    pub(crate) fn route(&self, fragment: &Fragment<'_>) -> Result<Route> {
        match (fragment.id, fragment.index) {
            (Some(id), index) => Ok(self.by_id(id, index, fragment)),
            (None, Some(index)) => match self.latest(|c| c.index == Some(index)) {
                Some((_, call)) if call.is_left_by(fragment) => Ok(Route::New),
                Some((at, _)) => Ok(Route::To(at)),
                None => self.by_rest(fragment),
            },
            (None, None) => self.by_rest(fragment),
        }
    }

    fn by_id(&self, id: &str, index: Option<u32>, fragment: &Fragment<'_>) -> Route {
        if let Some((at, call)) = self.latest(|c| c.id == id) {
            return if call.is_left_by(fragment) { Route::New } else { Route::To(at) };
        }
        // The id may come after the name; a call that has one already is another call, whatever its index.
        match self.latest(|c| c.index == index && c.id.is_empty()) {
            Some((at, call)) if call.name.is_empty() || fragment.name.is_none() => Route::To(at),
            _ => Route::New,
        }
    }

    /// Without an id and without a known index: a name begins a call, and input alone must have only one call to
    /// go to.
    fn by_rest(&self, fragment: &Fragment<'_>) -> Result<Route> {
        if fragment.name.is_some() {
            return Ok(Route::New);
        }
        if fragment.input.is_empty() {
            return Ok(Route::Nowhere);
        }
        match self.0.as_slice() {
            [only] if only.index.is_none() || fragment.index.is_none() => Ok(Route::To(0)),
            _ => Err(Error::new(ErrorKind::Malformed, "a fragment of tool input belongs to no call")),
        }
    }

    fn latest(&self, is: impl Fn(&Call) -> bool) -> Option<(usize, &Call)> {
        self.0.iter().enumerate().rfind(|(_, call)| is(call))
    }

    /// Begins a call in `part`; its name and input follow by [`Call::take`].
    pub(crate) fn begin(&mut self, fragment: &Fragment<'_>, part: u32) -> usize {
        self.0.push(Call { index: fragment.index, part, ..Call::default() });
        self.0.len().saturating_sub(1)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut Call> {
        self.0.get_mut(at)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Call> {
        self.0.iter_mut()
    }
}

impl Call {
    /// Takes the names of a fragment in, as far as they are not known yet, and follows its input.
    pub(crate) fn take(&mut self, fragment: &Fragment<'_>) {
        if self.index.is_none() {
            self.index = fragment.index;
        }
        if let (true, false, Some(id)) = (self.id.is_empty(), self.started, fragment.id) {
            self.id = id.into();
        }
        if let (true, Some(name)) = (self.name.is_empty(), fragment.name) {
            self.name = name.into();
        }
        self.input.follow(fragment.input);
    }

    /// True when the fragment can't be more of this call: it names another tool, or it brings input although this
    /// call's input is a whole JSON value.
    fn is_left_by(&self, fragment: &Fragment<'_>) -> bool {
        let Some(name) = fragment.name else { return false };
        let renamed = fragment.id.is_none() && !self.name.is_empty() && self.name != name;
        renamed || (self.input.is_whole() && !fragment.input.trim().is_empty())
    }
}

/// Follows JSON text far enough to know when its outermost object or list is closed.
#[derive(Debug, Default)]
struct Extent {
    depth: u32,
    in_text: bool,
    escaped: bool,
    closed: bool,
}

impl Extent {
    fn follow(&mut self, input: &str) {
        for byte in input.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.closed = self.depth == 0;
                }
                _ => {}
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.closed && self.depth == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<'a>(index: Option<u32>, id: &'a str, name: &'a str, input: &'a str) -> Fragment<'a> {
        let text = |t: &'a str| Some(t).filter(|t| !t.is_empty());
        Fragment { index, id: text(id), name: text(name), input }
    }

    /// The inputs of the calls that a list of fragments makes.
    fn inputs(fragments: &[Fragment<'_>]) -> Result<Vec<String>> {
        let mut calls = Calls::default();
        for fragment in fragments {
            let at = match calls.route(fragment)? {
                Route::To(at) => at,
                Route::New => calls.begin(fragment, 0),
                Route::Nowhere => continue,
            };
            let call = calls.get_mut(at).unwrap();
            call.take(fragment);
            call.held.push_str(fragment.input);
        }
        Ok(calls.0.iter().map(|c| format!("{}:{}:{}", c.id, c.name, c.held)).collect())
    }

    #[test]
    fn s14_a_new_id_opens_a_call_even_with_the_same_index() {
        let zero = Some(0);
        let fragments = [
            named(zero, "a", "f", "{"),
            named(zero, "", "", "}"),
            named(zero, "b", "g", ""),
            named(zero, "", "", "{}"),
        ];
        assert_eq!(inputs(&fragments).unwrap(), ["a:f:{}", "b:g:{}"]);
    }

    #[test]
    fn s14_a_drifting_index_does_not_split_a_call_with_an_id() {
        let fragments =
            [named(Some(0), "a", "f", "{"), named(Some(1), "a", "", "\"x\":"), named(None, "a", "", "1}")];
        assert_eq!(inputs(&fragments).unwrap(), ["a:f:{\"x\":1}"]);
    }

    #[test]
    fn s14_whole_calls_without_ids_stay_apart_though_they_share_an_index() {
        let zero = Some(0);
        let same = [named(zero, "", "f", "{\"a\":\"}\"}"), named(zero, "", "f", "{\"a\":2}")];
        assert_eq!(inputs(&same).unwrap(), [":f:{\"a\":\"}\"}", ":f:{\"a\":2}"]);
        let other = [named(zero, "", "f", ""), named(zero, "", "g", "")];
        assert_eq!(inputs(&other).unwrap(), [":f:", ":g:"]);
        let repeated =
            [named(zero, "", "f", "{\"a\":"), named(zero, "", "f", "1}"), named(zero, "", "f", "")];
        assert_eq!(inputs(&repeated).unwrap(), [":f:{\"a\":1}"]);
    }

    #[test]
    fn s14_a_fragment_of_no_call_is_an_error() {
        let lost = [
            vec![named(Some(0), "", "", "{}")],
            vec![named(Some(0), "a", "f", ""), named(Some(1), "", "", "{}")],
            vec![named(None, "a", "f", ""), named(None, "b", "g", ""), named(None, "", "", "{}")],
        ];
        for fragments in lost {
            assert_eq!(inputs(&fragments).unwrap_err().kind(), ErrorKind::Malformed, "{fragments:?}");
        }
        assert_eq!(inputs(&[named(Some(0), "", "", "")]).unwrap(), [""; 0], "an empty fragment says nothing");
    }

    #[test]
    fn s14_one_call_alone_needs_no_index() {
        assert_eq!(inputs(&[named(None, "a", "f", "{"), named(None, "", "", "}")]).unwrap(), ["a:f:{}"]);
        assert_eq!(inputs(&[named(None, "a", "f", "{"), named(Some(0), "", "", "}")]).unwrap(), ["a:f:{}"]);
    }

    #[test]
    fn an_id_or_a_name_may_come_late() {
        let late = [named(Some(0), "", "", ""), named(Some(0), "a", "", ""), named(Some(0), "", "f", "{}")];
        assert_eq!(inputs(&late).unwrap(), ["a:f:{}"]);
        let late = [named(Some(0), "", "f", ""), named(Some(0), "a", "", "{}")];
        assert_eq!(inputs(&late).unwrap(), ["a:f:{}"]);
    }
}
