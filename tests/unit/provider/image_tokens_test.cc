#include "provider/image_tokens.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "provider/provider.h"

namespace llmq::provider {
namespace {

std::string base64_of(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i + 3 <= bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) bits = bits << 8 | static_cast<uint8_t>(bytes[i + k]);
    for (int shift = 18; shift >= 0; shift -= 6) text += kDigits[bits >> shift & 63];
  }
  return text;
}

std::string big_endian(uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

std::string png(uint32_t width, uint32_t height) {
  return "data:image/png;base64," +
         base64_of(std::string("\x89PNG\r\n\x1a\n", 8) + big_endian(13) + "IHDR" +
                   big_endian(width) + big_endian(height) + "\x08\x02\x00\x00\x00");
}

TEST(ImageTokens, LowDetailIsOnePrice) {
  EXPECT_EQ(image_tokens(png(4'000, 4'000), "low"), 85);
  EXPECT_EQ(image_tokens("https://example.com/a.jpg", "low"), 85);
}

TEST(ImageTokens, HighDetailCountsTilesOfTheScaledImage) {
  EXPECT_EQ(image_tokens(png(1, 1), "high"), 85 + 170);
  EXPECT_EQ(image_tokens(png(512, 512), "high"), 85 + 170);
  EXPECT_EQ(image_tokens(png(513, 512), "auto"), 85 + 2 * 170);
  EXPECT_EQ(image_tokens(png(1'024, 1'024), ""), 85 + 4 * 170) << "768 x 768";
  EXPECT_EQ(image_tokens(png(2'048, 4'096), "high"), 85 + 6 * 170) << "1024 x 2048, 768 x 1536";
  EXPECT_EQ(image_tokens(png(100'000, 10), "high"), 85 + 4 * 170) << "2048 x 1";
}

TEST(ImageTokens, OfUnknownSizeAreFourTiles) {
  constexpr int64_t kUnknown = 85 + 4 * 170;
  EXPECT_EQ(image_tokens("https://example.com/a.png", "high"), kUnknown);
  EXPECT_EQ(image_tokens("", ""), kUnknown);
  EXPECT_EQ(image_tokens("data:image/png;base64,", "high"), kUnknown);
  EXPECT_EQ(image_tokens("data:image/png;base64,AAAA", "high"), kUnknown);
  EXPECT_EQ(image_tokens("data:image/png;base64," + std::string(80, '*'), "high"), kUnknown);
  EXPECT_EQ(image_tokens(png(0, 5), "high"), kUnknown);
  EXPECT_EQ(image_tokens(png(0xffffffff, 0xffffffff), "high"), kUnknown);
  EXPECT_EQ(image_tokens("data:image/png;base64," + base64_of(std::string(33, 'x')), "high"),
            kUnknown);
}

Estimate estimate_of(const std::string& payload, Operation operation = Operation::kChat) {
  const auto seen = inspect_payload(operation, payload, 0);
  EXPECT_TRUE(seen) << payload;
  return seen ? seen.value() : Estimate{};
}

TEST(InspectPayload, TellsTextAndTheRestApart) {
  const Estimate plain = estimate_of(R"({"messages":[{"role":"user","content":"12345678"}]})");
  EXPECT_EQ(plain.text_bytes, 8);
  EXPECT_EQ(plain.other_tokens, 0);
  const Estimate dialogue = estimate_of(
      R"({"messages":[{"role":"system","content":"abc"},{"role":"user","name":"me","content":"d"},)"
      R"({"role":"user","content":[{"type":"text","text":"ef"}]}]})");
  EXPECT_EQ(dialogue.text_bytes, 8);
  EXPECT_EQ(dialogue.other_tokens, 2 * 3);
}

TEST(InspectPayload, ImagesCountByTheirRuleButNothingOnArrival) {
  const Estimate image =
      estimate_of(R"({"messages":[{"role":"user","content":[{"type":"text","text":"abcd"},)"
                  R"({"type":"image_url","image_url":{"url":"https://x/y","detail":"low"}},)"
                  R"({"type":"image_url","image_url":"https://x/y"}]}]})");
  EXPECT_EQ(image.text_bytes, 4);
  EXPECT_EQ(image.other_tokens, 85 + 765);
  EXPECT_EQ(image.input_tokens, 1 + 4);
}

TEST(InspectPayload, ToolsAddWhatFramesThem) {
  const std::string tools = R"("tools":[{"type":"function"}])";
  const std::string user = R"("messages":[{"role":"user","content":"a"}])";
  const std::string system = R"("messages":[{"role":"system","content":"a"}])";
  EXPECT_EQ(estimate_of("{" + tools + "," + user + "}").other_tokens, 9);
  EXPECT_EQ(estimate_of("{" + tools + "," + system + "}").other_tokens, 5);
  EXPECT_EQ(estimate_of("{" + tools + "," + user + R"(,"tool_choice":"none"})").other_tokens, 10);
  EXPECT_EQ(estimate_of("{" + tools + "," + user + R"(,"tool_choice":{"a":1}})").other_tokens, 16);
  EXPECT_EQ(estimate_of(R"({"tools":[],)" + user + "}").other_tokens, 0);
}

TEST(InspectPayload, TokensOfEmbeddingsAreNoText) {
  const Estimate tokens = estimate_of(R"({"input":[1,2,3]})", Operation::kEmbeddings);
  EXPECT_EQ(tokens.text_bytes, 0);
  EXPECT_EQ(tokens.other_tokens, 3);
  const Estimate texts = estimate_of(R"({"input":["abcd","ef"]})", Operation::kEmbeddings);
  EXPECT_EQ(texts.text_bytes, 6);
  EXPECT_EQ(texts.other_tokens, 0);
  EXPECT_EQ(texts.input_tokens, 2);
}

}  // namespace
}  // namespace llmq::provider
