#include "provider/profile.h"

#include <algorithm>
#include <array>

namespace llmq::provider {
namespace {

constexpr std::array<Profile, 21> kProfiles{{
    {"openai", Wire::kOpenAi, KeyHeader::kBearer, "https://api.openai.com/v1", "OPENAI_API_KEY"},
    {"azure", Wire::kOpenAi, KeyHeader::kApiKey, "", "AZURE_OPENAI_API_KEY", "arrival",
     "2024-10-21", false, true, true, 0, 0, true},
    {"anthropic", Wire::kAnthropic, KeyHeader::kXApiKey, "https://api.anthropic.com/v1",
     "ANTHROPIC_API_KEY", "realtime", "2023-06-01"},
    {"gemini", Wire::kGemini, KeyHeader::kXGoogApiKey,
     "https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY", "arrival", "", false,
     true, true, 0, 0, false, true},
    {"gemini-openai", Wire::kOpenAi, KeyHeader::kBearer,
     "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", "arrival", "",
     false, true, false, 0, 0, false, true},
    {"mistral", Wire::kOpenAi, KeyHeader::kBearer, "https://api.mistral.ai/v1", "MISTRAL_API_KEY",
     "completion", "", false, true, false},
    {"groq", Wire::kOpenAi, KeyHeader::kBearer, "https://api.groq.com/openai/v1", "GROQ_API_KEY",
     "actual", "", false, false, true, 86'400, 60},
    {"cohere", Wire::kCohere, KeyHeader::kBearer, "https://api.cohere.com/v2", "COHERE_API_KEY"},
    {"together", Wire::kOpenAi, KeyHeader::kBearer, "https://api.together.xyz/v1",
     "TOGETHER_API_KEY", "arrival", "", false, true, false},
    {"fireworks", Wire::kOpenAi, KeyHeader::kBearer, "https://api.fireworks.ai/inference/v1",
     "FIREWORKS_API_KEY"},
    {"deepseek", Wire::kOpenAi, KeyHeader::kBearer, "https://api.deepseek.com", "DEEPSEEK_API_KEY",
     "arrival", "", false, false, false},
    {"xai", Wire::kOpenAi, KeyHeader::kBearer, "https://api.x.ai/v1", "XAI_API_KEY"},
    {"openrouter", Wire::kOpenAi, KeyHeader::kBearer, "https://openrouter.ai/api/v1",
     "OPENROUTER_API_KEY", "arrival", "", false, true, true, 0, 0, false, true},
    {"vllm", Wire::kOpenAi, KeyHeader::kBearer, "http://127.0.0.1:8000/v1", "VLLM_API_KEY",
     "arrival", "", true},
    {"ollama", Wire::kOllama, KeyHeader::kBearer, "http://127.0.0.1:11434", "", "arrival", "",
     true},
    {"llamacpp", Wire::kOpenAi, KeyHeader::kBearer, "http://127.0.0.1:8080/v1", "LLAMA_API_KEY",
     "arrival", "", true},
    {"bedrock", Wire::kBedrock, KeyHeader::kBearer, "", "AWS_BEARER_TOKEN_BEDROCK"},
    {"huggingface", Wire::kOpenAi, KeyHeader::kBearer, "https://router.huggingface.co/v1",
     "HF_TOKEN"},
    {"litellm-proxy", Wire::kOpenAi, KeyHeader::kBearer, "", "LITELLM_API_KEY"},
    {"llm7", Wire::kOpenAi, KeyHeader::kBearer, "https://api.llm7.io/v1", "LLM7_API_KEY"},
    {"openai-compatible", Wire::kOpenAi, KeyHeader::kBearer, "", "OPENAI_API_KEY"},
}};

}  // namespace

ProfileList profiles() { return {kProfiles.data(), kProfiles.size()}; }

const Profile* find_profile(std::string_view name) {
  const auto* const found =
      std::find_if(kProfiles.begin(), kProfiles.end(),
                   [&](const Profile& profile) { return profile.name == name; });
  return found == kProfiles.end() ? nullptr : found;
}

}  // namespace llmq::provider
