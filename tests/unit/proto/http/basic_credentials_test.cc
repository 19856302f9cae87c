#include "proto/http/basic_credentials.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

std::string decoded(std::string_view value) {
  BasicCredentials credentials;
  if (!credentials.parse(value)) return "nothing";
  return std::string(credentials.user()) + "|" + std::string(credentials.password());
}

TEST(BasicCredentials, AreDecoded) {
  EXPECT_EQ(decoded("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "Aladdin|open sesame");  // RFC 7617 section 2
  EXPECT_EQ(decoded("basic dGVzdDoxMjPCow=="), "test|123\xc2\xa3");                 // section 2.1
  EXPECT_EQ(decoded("BASIC   YTpiOmM="), "a|b:c");
  EXPECT_EQ(decoded("Basic Og=="), "|");
  EXPECT_EQ(decoded("Basic YTo="), "a|");
}

TEST(BasicCredentials, AreRefusedWhenTheyAreNotExactlyThat) {
  for (const std::string_view value :
       {"", "Basic", "Basic ", "BasicOg==", "Bearer Og==", "Basic Og",
        "Basic Og=", "Basic O===", "Basic ====", "Basic Og==Og==", "Basic Oh==", "Basic YWI=", "Basic YTpi\n",
        "Basic YTpiIA=", "Basic YT*i", "Basic AGE6", "Basic YTpiOmN="})
    EXPECT_EQ(decoded(value), "nothing") << value;
}

TEST(BasicCredentials, HaveABound) {
  std::string most = "Basic YTpi";  // a:b
  for (std::size_t size = 3; size + 3 <= BasicCredentials::kMost; size += 3) most += "YWFh";
  EXPECT_NE(decoded(most), "nothing");
  EXPECT_EQ(decoded(most + "YWFh"), "nothing");
}

}  // namespace
}  // namespace sluice::http
