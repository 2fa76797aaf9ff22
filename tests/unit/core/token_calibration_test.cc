#include "core/policy/token_calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.h"

namespace llmq::core {
namespace {

// Texts of `least` to `most` bytes, most of them short; tokens by the line, some per cent off.
struct Texts {
  double per_byte = 0.25;
  double per_text = 10;
  int64_t least = 20;
  int64_t most = 20'000;
  int64_t noise = 5;  // per cent
  Random random{11};

  int64_t bytes() {
    const double spread = std::log(static_cast<double>(most) / static_cast<double>(least));
    const double at = static_cast<double>(random.between(0, 1'000'000)) / 1e6;
    return static_cast<int64_t>(static_cast<double>(least) * std::exp(spread * at));
  }
  double line(int64_t bytes) const { return per_byte * static_cast<double>(bytes) + per_text; }
  void teach(TokenCalibration& calibration, int count) {
    for (int i = 0; i < count; ++i) {
      const int64_t length = bytes();
      const double off = 1 + static_cast<double>(random.between(-noise, noise)) / 100;
      calibration.add(length, std::llround(line(length) * off));
    }
  }
  // The worst relative error of the fit over all lengths; a few tokens do not matter.
  double worst(const TokenCalibration& calibration) const {
    double worst = 0;
    for (int64_t length = least; length <= most; length += 1 + length / 10) {
      const auto fit = static_cast<double>(calibration.fit().tokens(length));
      worst = std::max(worst, std::abs(fit - line(length)) / (line(length) + 16));
    }
    return worst;
  }
};

TEST(TokenCalibration, StartsWithFourBytesPerTokenAndTen) {
  const TokenCalibration calibration;
  EXPECT_EQ(calibration.fit().tokens(0), 10);
  EXPECT_EQ(calibration.fit().tokens(4'000), 1'010);
}

TEST(TokenCalibration, FindsTheLine) {
  for (const double per_byte : {0.1, 0.2, 0.25, 0.4, 0.7, 1.5}) {
    for (const double per_text : {0.0, 8.0, 75.0, 500.0, 1'400.0}) {
      TokenCalibration calibration;
      Texts texts;
      texts.per_byte = per_byte;
      texts.per_text = per_text;
      texts.teach(calibration, 400);
      EXPECT_LE(texts.worst(calibration), 0.1) << per_byte << " " << per_text;
    }
  }
}

TEST(TokenCalibration, IsNearAfterFewAnswers) {
  TokenCalibration calibration;
  Texts texts;
  texts.per_byte = 0.21;
  texts.per_text = 8;
  texts.teach(calibration, 20);
  EXPECT_LE(texts.worst(calibration), 0.15);
}

TEST(TokenCalibration, FollowsAChange) {
  TokenCalibration calibration;
  Texts texts;
  texts.teach(calibration, 500);
  texts.per_byte = 0.6;  // another language
  texts.teach(calibration, 300);
  EXPECT_LE(texts.worst(calibration), 0.1);
}

TEST(TokenCalibration, ManyTextsOfOneLengthAreEnoughForThatLength) {
  TokenCalibration calibration;
  for (int i = 0; i < 200; ++i) calibration.add(2'000, 900);
  EXPECT_NEAR(static_cast<double>(calibration.fit().tokens(2'000)), 900, 20);
  EXPECT_GE(calibration.fit().tokens(20), 0);
}

TEST(TokenCalibration, OutliersMoveItLittle) {
  TokenCalibration calibration;
  Texts texts;
  texts.teach(calibration, 200);
  Random random(3);
  for (int i = 0; i < 500; ++i) {
    texts.teach(calibration, 1);
    if (random.between(0, 19) == 0) calibration.add(texts.bytes(), 1'000'000);
    if (random.between(0, 19) == 0) calibration.add(texts.bytes(), 0);
  }
  EXPECT_LE(texts.worst(calibration), 0.12);
}

TEST(TokenCalibration, StaysInItsBoundsWhateverItIsTold) {
  Random random(17);
  for (int run = 0; run < 100; ++run) {
    TokenCalibration calibration;
    for (int i = 0; i < 300; ++i) {
      calibration.add(random.between(-5, int64_t{1} << random.between(1, 40)),
                      random.between(-5, int64_t{1} << random.between(1, 60)));
      ASSERT_GE(calibration.fit().per_byte, TokenFit::kOne / 16);
      ASSERT_LE(calibration.fit().per_byte, TokenFit::kOne * 2);
      ASSERT_GE(calibration.fit().per_text, 0);
      ASSERT_LE(calibration.fit().per_text, 4'096);
      ASSERT_GE(calibration.fit().tokens(random.between(0, INT32_MAX)), 0);
    }
  }
}

TEST(TokenCalibration, TellsHowFarItIsOff) {
  TokenCalibration calibration;
  EXPECT_EQ(calibration.error_ppm(), 0);
  Texts texts;
  texts.noise = 20;
  texts.teach(calibration, 2'000);
  EXPECT_NEAR(static_cast<double>(calibration.error_ppm()) / 1e6, 0.1, 0.04);
  EXPECT_NEAR(static_cast<double>(calibration.bias_ppm()) / 1e6, 0, 0.05);
}

}  // namespace
}  // namespace llmq::core
