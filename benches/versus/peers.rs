//! The other clients, each as its documentation shows it.

use std::error::Error;
use std::sync::Arc;

use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequest, CreateChatCompletionRequestArgs,
};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatRequest, ChatStreamEvent};
use genai::resolver::{AuthData, Endpoint, ServiceTargetResolver};
use genai::{ModelIden, ServiceTarget};
use liter_llm::{
    AssistantContent, ChatCompletionRequest, ClientConfigBuilder, DefaultClient, LlmClient, Message,
    UserContent, UserMessage,
};

use super::{Contender, MODEL};

type Made = Result<Box<dyn Contender>, Box<dyn Error>>;

struct AsyncOpenAi(async_openai::Client<OpenAIConfig>);

pub(super) fn async_openai(base: &str) -> Made {
    let config = OpenAIConfig::new().with_api_base(base).with_api_key("bench");
    Ok(Box::new(AsyncOpenAi(async_openai::Client::with_config(config))))
}

fn async_openai_request(prompt: &str) -> Option<CreateChatCompletionRequest> {
    let message = ChatCompletionRequestUserMessageArgs::default().content(prompt).build().ok()?;
    CreateChatCompletionRequestArgs::default().model(MODEL).messages([message.into()]).build().ok()
}

impl Contender for AsyncOpenAi {
    fn name(&self) -> &'static str {
        "async-openai, bare"
    }

    fn whole(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        let (client, request) = (self.0.clone(), async_openai_request(prompt));
        async move {
            let answer = client.chat().create(request?).await.ok()?;
            answer.choices.into_iter().next()?.message.content
        }
        .boxed_local()
    }

    fn stream(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        let (client, request) = (self.0.clone(), async_openai_request(prompt));
        async move {
            let (mut stream, mut text) = (client.chat().create_stream(request?).await.ok()?, String::new());
            while let Some(chunk) = stream.next().await {
                let delta = chunk.ok()?.choices.into_iter().next().and_then(|choice| choice.delta.content);
                text.extend(delta);
            }
            Some(text)
        }
        .boxed_local()
    }
}

struct GenAi(genai::Client);

pub(super) fn genai(base: &str) -> Made {
    let base: Arc<str> = format!("{base}/").into();
    let resolve = move |target: ServiceTarget| -> Result<ServiceTarget, genai::resolver::Error> {
        Ok(ServiceTarget {
            endpoint: Endpoint::from_owned(base.clone()),
            auth: AuthData::from_single("bench"),
            model: ModelIden::new(AdapterKind::OpenAI, target.model.model_name),
        })
    };
    let resolver = ServiceTargetResolver::from_resolver_fn(resolve);
    Ok(Box::new(GenAi(genai::Client::builder().with_service_target_resolver(resolver).build()?)))
}

impl Contender for GenAi {
    fn name(&self) -> &'static str {
        "genai, bare"
    }

    fn whole(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        let (client, request) = (self.0.clone(), ChatRequest::new(vec![ChatMessage::user(prompt)]));
        async move { client.exec_chat(MODEL, request, None).await.ok()?.first_text().map(str::to_owned) }
            .boxed_local()
    }

    fn stream(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        let (client, request) = (self.0.clone(), ChatRequest::new(vec![ChatMessage::user(prompt)]));
        async move {
            let mut stream = client.exec_chat_stream(MODEL, request, None).await.ok()?.stream;
            let mut text = String::new();
            while let Some(event) = stream.next().await {
                if let ChatStreamEvent::Chunk(chunk) = event.ok()? {
                    text.push_str(&chunk.content);
                }
            }
            Some(text)
        }
        .boxed_local()
    }
}

struct LiterLlm(Arc<DefaultClient>);

pub(super) fn liter_llm(base: &str) -> Made {
    let config = ClientConfigBuilder::new("bench").base_url(base).load_env(false).build();
    Ok(Box::new(LiterLlm(Arc::new(DefaultClient::new(config, None)?))))
}

fn liter_llm_request(prompt: &str) -> ChatCompletionRequest {
    let message = UserMessage { content: UserContent::Text(prompt.to_owned()), ..UserMessage::default() };
    ChatCompletionRequest {
        model: MODEL.to_owned(),
        messages: vec![Message::User(message)],
        ..ChatCompletionRequest::default()
    }
}

impl Contender for LiterLlm {
    fn name(&self) -> &'static str {
        "liter-llm, bare"
    }

    fn whole(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        let (client, request) = (self.0.clone(), liter_llm_request(prompt));
        async move {
            let answer = client.chat(request).await.ok()?;
            match answer.choices.into_iter().next()?.message.content? {
                AssistantContent::Text(text) => Some(text),
                AssistantContent::Parts(_) => None,
            }
        }
        .boxed_local()
    }

    fn stream(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        let (client, request) = (self.0.clone(), liter_llm_request(prompt));
        async move {
            let (mut stream, mut text) = (client.chat_stream(request).await.ok()?, String::new());
            while let Some(chunk) = stream.next().await {
                let delta = chunk.ok()?.choices.into_iter().next().and_then(|choice| choice.delta.content);
                text.extend(delta);
            }
            Some(text)
        }
        .boxed_local()
    }
}
