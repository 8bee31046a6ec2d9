//! A service whose failures are answered by last resorts.

use std::future::Future;

use belvedere_core::completion::Completion;
use belvedere_core::context::Context;
use belvedere_core::error::{Error, Result};
use belvedere_core::event::{Event, Notice};
use belvedere_core::events::Events;
use belvedere_core::hooks::Signal;
use belvedere_core::request::{Operation, Request, ResponseFormat, ToolChoice};
use belvedere_core::service::{Info, Service, Stack};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};

use super::{Canned, DEGRADED, Degrade, Reason};

/// A service whose failures are answered by last resorts.
#[derive(Debug)]
pub(super) struct DegradeService {
    degrade: Degrade,
    inner: Stack,
}

impl DegradeService {
    pub(super) fn new(degrade: Degrade, inner: Stack) -> Self {
        DegradeService { degrade, inner }
    }

    /// What an error is to this layer; `None` where it must reach the caller.
    fn reason(&self, error: &Error) -> Option<Reason> {
        Reason::of(error.kind()).filter(|reason| self.degrade.when.contains(reason))
    }

    /// Whether there is a smaller model than the one of this request.
    fn is_larger(&self, request: &Request) -> bool {
        self.degrade.model.as_ref().is_some_and(|model| request.model.as_ref() != Some(model))
    }

    /// The text for a call that failed with this.
    fn canned(&self, cx: &Context, reason: Reason, form: Form) -> Option<&str> {
        let tags = &cx.call.scope.tags;
        let applies = |canned: &&Canned| {
            let is_of_kind = canned.when.is_empty() || canned.when.contains(&reason);
            is_of_kind && canned.tags.iter().all(|(name, value)| tags.get(name) == Some(value))
        };
        let special = self.degrade.answers.iter().find(applies).map(|canned| &canned.answer);
        let text = special.or(self.degrade.answer.as_ref())?;
        form.fits(text).then_some(text)
    }

    /// The answer of a call that failed with this error. `larger` is its request, where there is a smaller model.
    async fn failed(
        &self,
        cx: Context,
        form: Form,
        larger: Option<Request>,
        answer: Result<Events>,
        error: Error,
    ) -> Result<Events> {
        let Some(reason) = self.reason(&error) else { return answer };
        if let (Some(request), Some(model)) = (larger, &self.degrade.model)
            && cx.call.attempt_budget.draw()
        {
            let request = request.with_model(model.clone());
            let (answer, failure) = begun(self.inner.call(cx.clone(), request)).await;
            match failure {
                None => {
                    let notice = mark(&cx, &error);
                    return answer
                        .map(|events| Events::new(stream::iter([Ok(Event::Notice(notice))]).chain(events)));
                }
                // The first error is told, unless this one is a verdict that nothing may absorb.
                Some(error) if self.reason(&error).is_none() => return answer,
                Some(_) => {}
            }
        }
        let Some(text) = self.canned(&cx, reason, form) else { return answer };
        let mut completion = Completion::of_text(text);
        completion.notices.push(mark(&cx, &error));
        Ok(completion.into_events())
    }
}

impl Service for DegradeService {
    fn info(&self) -> Info {
        self.inner.info()
    }

    fn call<'a, 'f>(&'a self, cx: Context, request: Request) -> BoxFuture<'f, Result<Events>>
    where
        'a: 'f,
        Self: 'f,
    {
        // What goes on with a checkpoint has content already.
        if request.operation != Operation::Chat || cx.call.resume.is_some() {
            return self.inner.call(cx, request);
        }
        let form = Form::of(&request);
        let larger = self.is_larger(&request).then(|| request.clone());
        let call = self.inner.call(cx.clone(), request);
        Box::pin(async move {
            let (answer, error) = match begun(call).await {
                (answer, None) => return answer,
                (answer, Some(error)) => (answer, error),
            };
            // Boxed: few calls fail, and all of them would be larger.
            Box::pin(self.failed(cx, form, larger, answer, error)).await
        })
    }
}

/// An answer once it can't be unsaid any more, and what it failed with before that.
async fn begun(call: impl Future<Output = Result<Events>>) -> (Result<Events>, Option<Error>) {
    match call.await {
        Ok(mut events) => {
            let failure = events.until_content().await.err();
            (Ok(events), failure)
        }
        Err(error) => (Err(error.clone()), Some(error)),
    }
}

/// Says everywhere that the answer of a call is a last resort.
fn mark(cx: &Context, error: &Error) -> Notice {
    cx.call.set_answered_by(DEGRADED.into());
    cx.lent.hooks.emit(|| Signal::Degraded { call: cx.call.id, reason: error.kind() });
    Notice::Degraded { reason: error.kind().to_string() }
}

/// The form an answer must have.
#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    Json,
    /// A call of a tool, or the rest of something: no text is one.
    NoText,
}

impl Form {
    fn of(request: &Request) -> Self {
        let must_call =
            matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function { .. }));
        match request.response_format {
            _ if must_call || request.continue_final_message => Form::NoText,
            None | Some(ResponseFormat::Text) => Form::Text,
            Some(_) => Form::Json,
        }
    }

    fn fits(self, text: &str) -> bool {
        match self {
            Form::Text => true,
            Form::Json => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
            Form::NoText => false,
        }
    }
}
