#include "server/resources/plain.hpp"

#include <map>

#include "server/services/testing.hpp"

namespace sagelet::sagemaker {
namespace {

constexpr resources::ResourceType kModel{.noun = "Model",
                                         .plural = "Models",
                                         .arn_part = "model/",
                                         .name_member = "ModelName",
                                         .arn_member = "ModelArn",
                                         .list_member = "Models",
                                         .default_descending = true,
                                         .missing_text = "Could not find model \"{arn}\".",
                                         .duplicate_text = "Cannot create already existing model \"{arn}\"."};

class OneRow final : public TableService {
 public:
  explicit OneRow(storage::Ledger& ledger) : TableService(*model::find_service("sagemaker")) {
    for (auto& [operation, call] : resources::plain_calls(model(), kModel, ledger)) on(operation, call);
  }
};

/// One row of data makes a noun.
class Plain : public ::testing::Test {
 protected:
  Document create(const std::string& name) {
    desk.clock.advance(std::chrono::seconds(1));
    return desk.get(service, "CreateModel",
                    {{"ModelName", name},
                     {"ExecutionRoleArn", "arn:aws:iam::000000000000:role/R"},
                     {"PrimaryContainer", {{"Image", "i"}}},
                     {"Tags", {{{"Key", "k"}, {"Value", "v"}}}}});
  }
  testing::Desk desk;
  OneRow service{desk.ledger()};
  const std::string arn = "arn:aws:sagemaker:us-east-1:000000000000:model/one";
};

TEST_F(Plain, CreateAnswersTheArnAndDescribeEchoesTheRequest) {
  EXPECT_EQ(create("one"), Document({{"ModelArn", arn}}));
  const auto shown = desk.get(service, "DescribeModel", {{"ModelName", "one"}});
  EXPECT_EQ(shown, Document({{"ModelName", "one"},
                             {"ModelArn", arn},
                             {"ExecutionRoleArn", "arn:aws:iam::000000000000:role/R"},
                             {"PrimaryContainer", {{"Image", "i"}}},
                             {"CreationTime", to_epoch_seconds(desk.clock.now())}}));
}

TEST_F(Plain, ListShowsWhatItsShapeHas) {
  create("one");
  create("two");
  const auto rows = desk.get(service, "ListModels")["Models"];
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1],
            Document({{"ModelName", "one"}, {"ModelArn", arn}, {"CreationTime", rows[1]["CreationTime"]}}));
}

TEST_F(Plain, DuplicatesAndMissingOnesHaveTheirTexts) {
  create("one");
  EXPECT_EQ(desk.refusal(service, "CreateModel", {{"ModelName", "one"}}).message,
            "Cannot create already existing model \"" + arn + "\".");
  desk.get(service, "DeleteModel", {{"ModelName", "one"}});
  for (const char* operation : {"DeleteModel", "DescribeModel"}) {
    const auto error = desk.refusal(service, operation, {{"ModelName", "one"}});
    EXPECT_EQ(error.code, "ValidationException");
    EXPECT_EQ(error.message, "Could not find model \"" + arn + "\".");
  }
}

}  // namespace
}  // namespace sagelet::sagemaker
