"""How each service is configured and how it complains, in its own shapes."""

from __future__ import annotations

from dataclasses import replace

from tests.adapters.models.services.servers import DEPLOYMENT, MODEL, Profile, Said, Situation, openai_error

LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."

OPENAI = Profile(
    provider="openai",
    config={},
    base="/v1",
    path="/chat/completions",
    says={
        Situation.WRONG_KEY: Said(
            status=401,
            value=openai_error("Incorrect API key provided: {key}.", "invalid_request_error", "invalid_api_key"),
        ),
        Situation.WRONG_MODEL: Said(
            status=404,
            value=openai_error("The model `x` does not exist.", "invalid_request_error", "model_not_found"),
        ),
        Situation.WRONG_PATH: Said(status=404, value=openai_error("Invalid URL (POST /x)", "invalid_request_error")),
        Situation.TOO_LONG: Said(
            status=400,
            value=openai_error(LONG, "invalid_request_error", "context_length_exceeded", "messages"),
        ),
        Situation.LIMITED: Said(
            status=429,
            value=openai_error(
                "Rate limit reached for big-1 on requests per min (RPM).", "requests", "rate_limit_exceeded"
            ),
            headers={
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1.5s",
                "x-ratelimit-remaining-tokens": "100",
                "x-ratelimit-reset-tokens": "6m0s",
            },
        ),
        Situation.OVERLOADED: Said(
            status=503,
            value=openai_error("The engine is currently overloaded.", "server_error"),
            headers={"Retry-After": "2"},
        ),
        Situation.INVALID: Said(
            status=400,
            value=openai_error("Invalid value: 'x'.", "invalid_request_error", "invalid_value", "messages[0].role"),
        ),
        Situation.IN_STREAM: Said(status=200, value=openai_error("The server had an error.", "server_error")),
    },
)

_AZURE_FILTER = {
    "error": {
        "message": "The response was filtered due to the prompt triggering the content management policy.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {
                "hate": {"filtered": False, "severity": "safe"},
                "jailbreak": {"filtered": False, "detected": False},
                "violence": {"filtered": True, "severity": "medium"},
            },
        },
    }
}

AZURE = Profile(
    provider="azure",
    config={"deployment": DEPLOYMENT, "api_version": "2024-10-21"},
    base="",
    path=f"/openai/deployments/{DEPLOYMENT}/chat/completions?api-version=2024-10-21",
    key_header="api-key",
    key_prefix="",
    model=None,
    first_chunk={"object": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
    says={
        Situation.WRONG_KEY: Said(
            status=401,
            value={
                "error": {
                    "code": "401",
                    "message": "Access denied due to invalid subscription key {key} or wrong API endpoint.",
                }
            },
        ),
        Situation.WRONG_MODEL: Said(
            status=404,
            value={
                "error": {
                    "code": "DeploymentNotFound",
                    "message": "The API deployment for this resource does not exist.",
                }
            },
        ),
        Situation.WRONG_PATH: Said(status=404, value={"error": {"code": "404", "message": "Resource not found"}}),
        Situation.TOO_LONG: OPENAI.says[Situation.TOO_LONG],
        Situation.LIMITED: Said(
            status=429,
            value={
                "error": {
                    "code": "429",
                    "message": "Requests have exceeded call rate limit. Please retry after 26 seconds.",
                }
            },
            headers={"retry-after-ms": "1500"},
        ),
        Situation.OVERLOADED: Said(
            status=503,
            value={"error": {"code": "InternalServerError", "message": "Backend busy."}},
            headers={"retry-after": "2"},
        ),
        Situation.INVALID: OPENAI.says[Situation.INVALID],
        Situation.FILTERED: Said(status=400, value=_AZURE_FILTER),
        Situation.IN_STREAM: OPENAI.says[Situation.IN_STREAM],
    },
)

AZURE_V1 = replace(
    AZURE,
    config={"deployment": DEPLOYMENT},
    path="/openai/v1/chat/completions",
    model=DEPLOYMENT,
)

VLLM = Profile(
    provider="vllm",
    config={},
    base="/v1",
    path="/chat/completions",
    says={
        Situation.WRONG_KEY: Said(status=401, value={"error": "Unauthorized: {key}"}),
        Situation.WRONG_MODEL: Said(
            status=404,
            value={
                "object": "error",
                "message": "The model `x` does not exist.",
                "type": "NotFoundError",
                "param": None,
                "code": 404,
            },
        ),
        Situation.WRONG_PATH: Said(status=404, value={"detail": "Not Found"}),
        Situation.TOO_LONG: Said(
            status=400,
            value={"object": "error", "message": LONG, "type": "BadRequestError", "param": None, "code": 400},
        ),
        Situation.LIMITED: Said(status=429, value={"detail": "Too many requests"}, headers={"Retry-After": "1.5"}),
        Situation.OVERLOADED: Said(
            status=503,
            value=openai_error("The server is busy.", "ServiceUnavailableError", 503),
            headers={"Retry-After": "2"},
        ),
        Situation.INVALID: Said(
            status=422,
            value={"detail": [{"type": "missing", "loc": ["body", "messages", 0, "role"], "msg": "Field required"}]},
        ),
        Situation.IN_STREAM: Said(status=200, value=openai_error("EngineDeadError", "InternalServerError", 500)),
    },
)

VLLM_NEW = replace(
    VLLM,
    says={
        **VLLM.says,
        Situation.WRONG_MODEL: Said(
            status=404, value=openai_error("The model `x` does not exist.", "NotFoundError", 404, "model")
        ),
        Situation.TOO_LONG: Said(
            status=400,
            value=openai_error(
                "You passed 1015 input tokens and requested 10 output tokens. However, the model's context length is "
                "only 1024 tokens.",
                "BadRequestError",
                400,
                "input_tokens",
            ),
        ),
    },
)

OLLAMA = Profile(
    provider="ollama",
    config={},
    base="/v1",
    path="/chat/completions",
    says={
        Situation.WRONG_KEY: Said(status=401, value={"error": "unauthorized {key}"}),
        Situation.WRONG_MODEL: Said(
            status=404,
            value=openai_error('model "x" not found, try pulling it first', "api_error"),
        ),
        Situation.WRONG_PATH: Said(status=404, value="404 page not found"),
        Situation.TOO_LONG: Said(status=400, value={"error": "the input length exceeds the context length"}),
        Situation.LIMITED: Said(status=429, value={"error": "too many requests"}, headers={"Retry-After": "1.5"}),
        Situation.OVERLOADED: Said(
            status=503,
            value={"error": "server busy, please try again.  maximum pending requests exceeded"},
            headers={"Retry-After": "2"},
        ),
        Situation.INVALID: Said(status=400, value=openai_error("invalid message format", "invalid_request_error")),
        Situation.IN_STREAM: Said(status=200, value={"error": "llama runner process has terminated"}),
    },
)

LITELLM = Profile(
    provider="litellm",
    config={},
    base="/v1",
    path="/chat/completions",
    says={
        Situation.WRONG_KEY: Said(
            status=401,
            value=openai_error(
                "Authentication Error, Invalid proxy server token passed. Received API Key = {key}",
                "auth_error",
                "401",
                "None",
            ),
        ),
        Situation.WRONG_MODEL: Said(
            status=400,
            value=openai_error(
                "/chat/completions: Invalid model name passed in model=x. Call `/v1/models` to view available models.",
                "invalid_request_error",
                "400",
                "model",
            ),
        ),
        Situation.WRONG_PATH: Said(status=404, value={"detail": "Not Found"}),
        Situation.TOO_LONG: Said(
            status=400,
            value=openai_error(
                "litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - " + LONG, None, "400"
            ),
        ),
        Situation.LIMITED: Said(
            status=429,
            value=openai_error(
                "litellm.RateLimitError: AzureException - try again in 1500ms", "throttling_error", "429"
            ),
        ),
        Situation.OVERLOADED: Said(
            status=500,
            value=openai_error("litellm.InternalServerError: OpenAIException - busy", None, "500"),
            headers={"Retry-After": "2"},
        ),
        Situation.INVALID: Said(
            status=400,
            value=openai_error("litellm.BadRequestError: OpenAIException - invalid role", None, "400"),
        ),
        Situation.FILTERED: Said(
            status=400,
            value={
                "error": {
                    "message": "litellm.ContentPolicyViolationError: AzureException - filtered",
                    "type": None,
                    "param": None,
                    "code": "400",
                    "provider_specific_fields": {"innererror": _AZURE_FILTER["error"]["innererror"]},
                }
            },
        ),
        Situation.IN_STREAM: Said(status=200, value=openai_error("litellm.APIConnectionError: gone", None, "500")),
    },
)

HUGGINGFACE = Profile(
    provider="huggingface",
    config={},
    base="/v1",
    path="/chat/completions",
    says={
        Situation.WRONG_KEY: Said(status=401, value={"error": "Invalid username or password: {key}"}),
        Situation.WRONG_MODEL: Said(
            status=400,
            value=openai_error(
                "The requested model 'x' does not exist", "invalid_request_error", "model_not_found", "model"
            ),
        ),
        Situation.WRONG_PATH: Said(status=404, value="Not Found"),
        Situation.TOO_LONG: Said(
            status=422,
            value={
                "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000",
                "error_type": "validation",
            },
        ),
        Situation.LIMITED: Said(status=429, value={"error": "Rate limit exceeded"}, headers={"Retry-After": "1.5"}),
        Situation.OVERLOADED: Said(
            status=503, value={"error": f"Model {MODEL} is currently loading", "estimated_time": 2.0}
        ),
        Situation.INVALID: Said(
            status=422,
            value={"error": "Input validation error: Conversation roles must alternate", "error_type": "validation"},
        ),
        Situation.IN_STREAM: Said(
            status=200, value={"error": "Request failed during generation: CUDA error", "error_type": "generation"}
        ),
    },
)

PROFILES = {
    "openai": OPENAI,
    "azure": AZURE,
    "azure-v1": AZURE_V1,
    "vllm": VLLM,
    "vllm-new": VLLM_NEW,
    "ollama": OLLAMA,
    "litellm": LITELLM,
    "huggingface": HUGGINGFACE,
}
