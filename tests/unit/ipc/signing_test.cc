// What worker and keyholder say to each other, there and back, and what is not quite it refused.
#include "ipc/signing.h"

#include <gtest/gtest.h>

namespace sluice::ipc {
namespace {

const std::string kKey(SignRequest::kKeyBytes, 'k');

TEST(Signing, RequestsComeBackAsTheyWere) {
  const Result<std::string> packet = encode(std::vector<SignRequest>{
      {.number = 1, .key = kKey, .algorithm = 0x0403, .input = std::string("a\0b", 3)},
      {.number = 1ULL << 40U, .key = kKey, .algorithm = 0x0804, .input = std::string(SignRequest::kMostInput, 'x')}});
  ASSERT_TRUE(packet.has_value());
  const Result<std::vector<SignRequest>> back = decode_requests(*packet);
  ASSERT_TRUE(back.has_value());
  ASSERT_EQ(back->size(), 2U);
  EXPECT_EQ(back->at(0).input, std::string("a\0b", 3));
  EXPECT_EQ(back->at(1).number, 1ULL << 40U);
  EXPECT_EQ(back->at(1).algorithm, 0x0804);
  for (std::size_t cut = 0; cut < packet->size(); ++cut)
    EXPECT_FALSE(decode_requests(std::string_view(*packet).substr(0, cut)).has_value()) << cut;
  EXPECT_FALSE(decode_requests(*packet + "x").has_value());
}

TEST(Signing, AnswersComeBackAsTheyWere) {
  const Result<std::string> packet =
      encode(std::vector<SignAnswer>{{.number = 3, .came_to = Signing::kDone, .signature = "signature"},
                                     {.number = 4, .came_to = Signing::kRefused, .signature = {}}});
  ASSERT_TRUE(packet.has_value());
  const Result<std::vector<SignAnswer>> back = decode_answers(*packet);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->at(0).signature, "signature");
  EXPECT_EQ(back->at(1).came_to, Signing::kRefused);
}

TEST(Signing, RefusesWhatBreaksABound) {
  EXPECT_FALSE(encode(std::vector<SignRequest>(kMostSignatures + 1, SignRequest{.key = kKey})).has_value());
  EXPECT_FALSE(encode(std::vector<SignRequest>{{.key = kKey, .input = std::string(SignRequest::kMostInput + 1, 'x')}})
                   .has_value());
  const Result<std::string> short_key = encode(std::vector<SignRequest>{{.key = "k"}});
  ASSERT_TRUE(short_key.has_value());
  EXPECT_FALSE(decode_requests(*short_key).has_value());
  EXPECT_FALSE(decode_requests("").has_value());
}

}  // namespace
}  // namespace sluice::ipc
