// Neutral bodies in the words of other wires.
#include "provider/translate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "provider/json.h"

namespace llmq::provider {
namespace {

using ::testing::HasSubstr;

using Chat = std::function<std::string(std::string_view body, Fault& fault)>;

std::string anthropic(std::string_view body, Fault& fault) {
  return anthropic_chat(body, "m", false, fault);
}
std::string gemini(std::string_view body, Fault& fault) { return gemini_chat(body, fault); }
std::string cohere(std::string_view body, Fault& fault) {
  return cohere_chat(body, "m", false, fault);
}
std::string ollama(std::string_view body, Fault& fault) {
  return ollama_chat(body, "m", false, fault);
}

// What it is translated to, which must be JSON, or why it cannot be.
std::string said(const Chat& chat, std::string_view body) {
  EXPECT_NE(parse_json(body).value, nullptr) << body;
  Fault fault("it");
  const std::string text = chat(body, fault);
  if (fault.error()) return fault.error()->message;
  const ParsedJson parsed = parse_json(text);
  EXPECT_EQ(cJSON_IsObject(parsed.value.get()), 1) << text;
  EXPECT_EQ(parsed.stopped, text.size()) << text;
  return text;
}

// A conversation with everything that tools need.
const char kTools[] = R"({"model":"m","messages":[
  {"role":"developer","content":"be brief"},
  {"role":"user","content":[{"type":"text","text":"what is \"it\"?"},
    {"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD","detail":"low"}}]},
  {"role":"assistant","content":null,"refusal":null,"tool_calls":[
    {"id":"c1","type":"function","function":{"name":"f","arguments":"{\"big\":9007199254740993}"}},
    {"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},
  {"role":"tool","tool_call_id":"c1","content":"{\"ok\":true}"},
  {"role":"tool","tool_call_id":"c2","content":"plain"},
  {"role":"user","content":"go on"}],
 "max_completion_tokens":64,"temperature":0.30,"top_p":1,"stop":"END","n":1,"user":null,
 "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object",
   "properties":{"big":{"type":"integer","maximum":9007199254740993}}}}},
  {"type":"function","function":{"name":"g"}}],
 "tool_choice":"required"})";

TEST(TranslateAnthropic, AConversationWithToolsAndImages) {
  EXPECT_EQ(
      said(anthropic, kTools),
      R"({"model":"m","max_tokens":64,"system":[{"type":"text","text":"be brief"}],"messages":[)"
      R"({"role":"user","content":[{"type":"text","text":"what is \"it\"?"},{"type":"image",)"
      R"("source":{"type":"base64","media_type":"image/png","data":"QUJD"}}]},)"
      R"({"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":)"
      R"({"big":9007199254740993}},{"type":"tool_use","id":"c2","name":"g","input":{}}]},)"
      R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":[)"
      R"({"type":"text","text":"{\"ok\":true}"}]},{"type":"tool_result","tool_use_id":"c2",)"
      R"("content":[{"type":"text","text":"plain"}]}]},)"
      R"({"role":"user","content":[{"type":"text","text":"go on"}]}],)"
      R"("tool_choice":{"type":"any"},"temperature":0.30,"top_p":1,"stop_sequences":["END"],)"
      R"("tools":[{"name":"f","description":"d","input_schema":{"type":"object",)"
      "\n"
      R"(   "properties":{"big":{"type":"integer","maximum":9007199254740993}}}},)"
      R"({"name":"g","input_schema":{"type":"object","properties":{}}}]})");
}

TEST(TranslateGemini, AConversationWithToolsAndImages) {
  EXPECT_EQ(
      said(gemini, kTools),
      R"({"systemInstruction":{"parts":[{"text":"be brief"}]},"contents":[)"
      R"({"role":"user","parts":[{"text":"what is \"it\"?"},{"inlineData":{"mimeType":)"
      R"("image/png","data":"QUJD"}}]},)"
      R"({"role":"model","parts":[{"functionCall":{"name":"f","args":{"big":9007199254740993}}},)"
      R"({"functionCall":{"name":"g","args":{}}}]},)"
      R"({"role":"user","parts":[{"functionResponse":{"name":"f","response":{"ok":true}}},)"
      R"({"functionResponse":{"name":"g","response":{"result":"plain"}}}]},)"
      R"({"role":"user","parts":[{"text":"go on"}]}],)"
      R"("tools":[{"functionDeclarations":[{"name":"f","description":"d",)"
      R"("parametersJsonSchema":{"type":"object",)"
      "\n"
      R"(   "properties":{"big":{"type":"integer","maximum":9007199254740993}}}},{"name":"g"}]}],)"
      R"("toolConfig":{"functionCallingConfig":{"mode":"ANY"}},)"
      R"("generationConfig":{"maxOutputTokens":64,"temperature":0.30,"topP":1,)"
      R"("stopSequences":["END"],"candidateCount":1}})");
}

TEST(TranslateCohere, AConversationWithToolsAndImages) {
  const std::string text = said(cohere, kTools);
  EXPECT_THAT(text, HasSubstr(R"({"role":"system","content":"be brief"})"));
  EXPECT_THAT(text, HasSubstr(R"({"type":"image_url","image_url":{"url":)"
                              R"("data:image/png;base64,QUJD"}})"));
  EXPECT_THAT(text,
              HasSubstr(R"({"role":"assistant","tool_calls":[{"id":"c1","type":"function",)"
                        R"("function":{"name":"f","arguments":"{\"big\":9007199254740993}"}})"));
  EXPECT_THAT(text, HasSubstr(R"({"role":"tool","tool_call_id":"c2","content":"plain"})"));
  EXPECT_THAT(text, HasSubstr(R"("max_tokens":64)"));
  EXPECT_THAT(text, HasSubstr(R"("p":1)"));
  EXPECT_THAT(text, HasSubstr(R"("stop_sequences":["END"])"));
  EXPECT_THAT(text, HasSubstr(R"("tool_choice":"REQUIRED")"));
  EXPECT_THAT(text, HasSubstr(R"("maximum":9007199254740993)"));
}

TEST(TranslateOllama, AConversationWithToolsAndImages) {
  std::string body = kTools;
  body.replace(body.find("\"required\""), 10, "\"auto\"");
  const std::string text = said(ollama, body);
  EXPECT_THAT(text, HasSubstr(R"({"model":"m","stream":false,"messages":[)"
                              R"({"role":"system","content":"be brief"},)"
                              R"({"role":"user","content":"what is \"it\"?","images":["QUJD"]},)"
                              R"({"role":"assistant","content":"","tool_calls":[{"function":)"
                              R"({"name":"f","arguments":{"big":9007199254740993}}},)"
                              R"({"function":{"name":"g","arguments":{}}}]},)"
                              R"({"role":"tool","content":"{\"ok\":true}","tool_name":"f"})"));
  EXPECT_THAT(text, HasSubstr(R"("options":{"num_predict":64,"temperature":0.30,"top_p":1,)"
                              R"("stop":["END"]})"));
  EXPECT_EQ(said(ollama, kTools), "payload: tool_choice cannot be said to it");
}

std::string with(const std::string& member) {
  return R"({"messages":[{"role":"user","content":"hi"}],)" + member + "}";
}

std::string message(const std::string& message) { return R"({"messages":[)" + message + "]}"; }

TEST(Translate, WhatChangesNothingIsLeftOut) {
  for (const Chat& chat : {Chat(anthropic), Chat(gemini), Chat(cohere), Chat(ollama)}) {
    const std::string plain = said(chat, message(R"({"role":"user","content":"hi"})"));
    for (const char* member :
         {R"("metadata":{"a":"b"})", R"("store":true)", R"("stream":false)",
          R"("stream_options":{"include_usage":true})", R"("response_format":{"type":"text"})",
          R"("logit_bias":{})", R"("service_tier":"auto")", R"("seed":null)",
          R"("parallel_tool_calls":true)", R"("prompt_cache_key":"k")",
          R"("modalities":["text"])"}) {
      EXPECT_EQ(said(chat, with(member)), plain) << member;
    }
  }
}

TEST(Translate, WhatNoneOfThemCanSayIsNamed) {
  for (const Chat& chat : {Chat(anthropic), Chat(gemini), Chat(cohere), Chat(ollama)}) {
    for (const char* name : {"logit_bias", "reasoning_effort", "service_tier", "prediction",
                             "web_search_options", "an_option_of_tomorrow"}) {
      EXPECT_THAT(said(chat, with("\"" + std::string(name) + R"(":{"a":1})")),
                  ::testing::StartsWith("payload: " + std::string(name) + " cannot be said to it"));
    }
    EXPECT_THAT(said(chat, message(R"({"role":"user","content":"hi","name":"ann"})")),
                HasSubstr("messages[0].name cannot be said"));
    EXPECT_THAT(said(chat, message(R"({"role":"user","content":[{"type":"hologram"}]})")),
                HasSubstr("messages[0].content[0] of type hologram"));
    EXPECT_THAT(said(chat, message(R"({"role":"assistant","content":"x","audio":{"id":"a"}})")),
                HasSubstr("messages[0].audio"));
  }
}

TEST(Translate, WhatOneOfThemCannotSayIsNamedForIt) {
  EXPECT_THAT(said(anthropic, with(R"("n":2)")), HasSubstr("n cannot be said"));
  EXPECT_THAT(said(anthropic, with(R"("seed":1)")), HasSubstr("seed cannot"));
  EXPECT_THAT(said(anthropic, with(R"("presence_penalty":0.5)")), HasSubstr("presence_penalty"));
  EXPECT_THAT(said(anthropic, with(R"("response_format":{"type":"json_object"})")),
              HasSubstr("response_format"));
  EXPECT_THAT(said(cohere, with(R"("n":2)")), HasSubstr("n cannot be said"));
  EXPECT_THAT(said(ollama, with(R"("n":2)")), HasSubstr("n cannot be said"));
  EXPECT_THAT(said(gemini, message(R"({"role":"user","content":[{"type":"image_url",
                                       "image_url":{"url":"https://h/i.png"}}]})")),
              HasSubstr("address of an image"));
  EXPECT_THAT(said(cohere, with(R"("tool_choice":{"type":"function","function":{"name":"f"}})")),
              HasSubstr("tool_choice of one function"));
}

TEST(Translate, WhatIsBrokenIsNamed) {
  for (const Chat& chat : {Chat(anthropic), Chat(gemini), Chat(cohere), Chat(ollama)}) {
    EXPECT_THAT(said(chat, "{}"), HasSubstr("messages must be an array of at least one message"));
    EXPECT_THAT(said(chat, R"({"messages":"hi"})"), HasSubstr("messages must be"));
    EXPECT_THAT(said(chat, message("1")), HasSubstr("messages[0].role must be"));
    EXPECT_THAT(said(chat, message(R"({"role":"king","content":"hi"})")),
                HasSubstr("messages[0].role must be"));
    EXPECT_THAT(said(chat, message(R"({"role":"user","content":7})")),
                HasSubstr("messages[0].content must be a string or an array"));
    EXPECT_THAT(said(chat, message(R"({"role":"user","content":[{"type":"text"}]})")),
                HasSubstr("messages[0].content[0].text must be a string"));
    EXPECT_THAT(said(chat, message(R"({"role":"tool","content":"x"})")),
                HasSubstr("messages[0].tool_call_id must be a string"));
    EXPECT_THAT(said(chat, message(R"({"role":"assistant","tool_calls":[{"id":"c",
                                       "function":{"name":"f","arguments":"{broken"}}]})")),
                HasSubstr("tool_calls[0].function.arguments must be"));
    EXPECT_THAT(said(chat, with(R"("stop":[1])")), HasSubstr("stop must be"));
    EXPECT_THAT(said(chat, with(R"("tools":[{"type":"function","function":{}}])")),
                HasSubstr("tools[0].function.name must be a string"));
  }
}

TEST(TranslateAnthropic, MaxTokensIsAlwaysSaid) {
  EXPECT_THAT(said(anthropic, with(R"("max_tokens":5)")), HasSubstr(R"("max_tokens":5)"));
  EXPECT_THAT(said(anthropic, with(R"("max_tokens":5,"max_completion_tokens":6)")),
              HasSubstr(R"("max_tokens":6,)"));
  EXPECT_THAT(said(anthropic, with(R"("max_tokens":null)")), HasSubstr(R"("max_tokens":4096)"));
}

TEST(TranslateAnthropic, ChoicesOfTools) {
  EXPECT_THAT(said(anthropic, with(R"("tool_choice":{"type":"function","function":{"name":"f"}})")),
              HasSubstr(R"("tool_choice":{"type":"tool","name":"f"})"));
  EXPECT_THAT(said(anthropic, with(R"("parallel_tool_calls":false)")),
              HasSubstr(R"("tool_choice":{"type":"auto","disable_parallel_tool_use":true})"));
  EXPECT_THAT(said(anthropic, with(R"("tool_choice":"none","parallel_tool_calls":false)")),
              HasSubstr(R"("tool_choice":{"type":"none"})"));
}

TEST(TranslateAnthropic, SaysWhoTheUserIs) {
  EXPECT_THAT(said(anthropic, with(R"("user":"u-1")")),
              HasSubstr(R"("metadata":{"user_id":"u-1"})"));
}

TEST(TranslateAnthropic, ImagesByAddressAndFilesAsDocuments) {
  EXPECT_THAT(said(anthropic, message(R"({"role":"user","content":[{"type":"image_url",
                                          "image_url":{"url":"https://h/i.png"}}]})")),
              HasSubstr(R"({"type":"image","source":{"type":"url","url":"https://h/i.png"}})"));
  EXPECT_THAT(said(anthropic, message(R"({"role":"user","content":[{"type":"file","file":
                     {"filename":"a.pdf","file_data":"data:application/pdf;base64,QUJD"}}]})")),
              HasSubstr(R"({"type":"document","source":{"type":"base64",)"
                        R"("media_type":"application/pdf","data":"QUJD"}})"));
}

TEST(TranslateGemini, FormatsOfAnswers) {
  EXPECT_THAT(said(gemini, with(R"("response_format":{"type":"json_object"})")),
              HasSubstr(R"("generationConfig":{"responseMimeType":"application/json"})"));
  EXPECT_THAT(
      said(gemini, with(R"("response_format":{"type":"json_schema","json_schema":{"name":"s",
                            "schema":{"type":"object"}}})")),
      HasSubstr(R"("responseMimeType":"application/json","responseJsonSchema":{"type":"object"})"));
}

TEST(TranslateGemini, AToolsResultNeedsItsCall) {
  EXPECT_THAT(said(gemini, message(R"({"role":"tool","tool_call_id":"x","content":"1"})")),
              HasSubstr("messages[0].tool_call_id must be the id of a tool call"));
}

TEST(Translate, StreamsAreAskedForInTheBody) {
  Fault fault("it");
  const std::string body = message(R"({"role":"user","content":"hi"})");
  EXPECT_THAT(anthropic_chat(body, "m", true, fault), HasSubstr(R"("stream":true)"));
  EXPECT_THAT(cohere_chat(body, "m", true, fault), HasSubstr(R"("stream":true)"));
  EXPECT_THAT(ollama_chat(body, "m", true, fault), HasSubstr(R"("stream":true)"));
}

TEST(TranslateEmbeddings, EachInItsForm) {
  Fault fault("it");
  const char* const body = R"({"model":"m","input":["a","b"],"dimensions":8})";
  EXPECT_EQ(gemini_embeddings(body, "models/m", fault),
            R"({"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]},)"
            R"("outputDimensionality":8},{"model":"models/m","content":{"parts":[{"text":"b"}]},)"
            R"("outputDimensionality":8}]})");
  EXPECT_EQ(cohere_embeddings(body, "m", fault),
            R"({"model":"m","texts":["a","b"],"input_type":"search_document",)"
            R"("output_dimension":8,"embedding_types":["float"]})");
  EXPECT_EQ(ollama_embeddings(R"({"input":"a"})", "m", fault), R"({"model":"m","input":["a"]})");
  // What is null is not said.
  const char* const nulls = R"({"input":"a","dimensions":null,"encoding_format":null})";
  EXPECT_EQ(gemini_embeddings(nulls, "models/m", fault),
            gemini_embeddings(R"({"input":"a"})", "models/m", fault));
  EXPECT_EQ(cohere_embeddings(nulls, "m", fault),
            cohere_embeddings(R"({"input":"a"})", "m", fault));
  EXPECT_EQ(ollama_embeddings(nulls, "m", fault), R"({"model":"m","input":["a"]})");
  EXPECT_FALSE(fault.error());
  gemini_embeddings(R"({"input":[[1,2]]})", "models/m", fault);
  ASSERT_TRUE(fault.error());
  EXPECT_THAT(fault.error()->message, HasSubstr("input must be a string or an array of strings"));
}

}  // namespace
}  // namespace llmq::provider
