#include "server/services/sagemaker/fixture.hpp"

namespace sagelet::sagemaker {
namespace {

using Names = std::vector<std::string>;

class Lists : public Fixture {
 protected:
  /// b (Completed), A (Failed), c (InProgress): a second apart, in this order.
  void SetUp() override {
    create("b");
    say(end(Outcome::kCompleted));
    create("A");
    say(end(Outcome::kFailed));
    create("c");
  }
  static Names names(const Document& answer) {
    Names found;
    for (const auto& row : answer["TrainingJobSummaries"]) found.push_back(row["TrainingJobName"]);
    return found;
  }
  Document list(Document params = Document::object()) {
    return desk.get(*service, "ListTrainingJobs", params);
  }
};

TEST_F(Lists, ShowsASummaryOfEachJob) {
  const auto row = list()["TrainingJobSummaries"][0];
  EXPECT_EQ(row["TrainingJobName"], "b");
  EXPECT_EQ(row["TrainingJobStatus"], "Completed");
  EXPECT_EQ(row["SecondaryStatus"], "Completed");
  for (const char* member : {"TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime"})
    EXPECT_TRUE(row.contains(member)) << member;
}

TEST_F(Lists, SortsByEachKeyBothWays) {
  EXPECT_EQ(names(list()), (Names{"b", "A", "c"}));
  EXPECT_EQ(names(list({{"SortOrder", "Descending"}})), (Names{"c", "A", "b"}));
  EXPECT_EQ(names(list({{"SortBy", "Name"}})), (Names{"A", "b", "c"}));
  EXPECT_EQ(names(list({{"SortBy", "Name"}, {"SortOrder", "Descending"}})), (Names{"c", "b", "A"}));
  EXPECT_EQ(names(list({{"SortBy", "Status"}})), (Names{"b", "A", "c"}));
  EXPECT_EQ(names(list({{"SortBy", "Status"}, {"SortOrder", "Descending"}})), (Names{"c", "A", "b"}));
}

TEST_F(Lists, FiltersByStatusNameAndTimes) {
  EXPECT_EQ(names(list({{"StatusEquals", "Failed"}})), (Names{"A"}));
  EXPECT_EQ(names(list({{"StatusEquals", "Stopped"}})), Names{});
  EXPECT_EQ(names(list({{"NameContains", "a"}})), (Names{"A"}));
  const double created_a =
      desk.get(*service, "DescribeTrainingJob", {{"TrainingJobName", "A"}})["CreationTime"];
  EXPECT_EQ(names(list({{"CreationTimeAfter", created_a}})), (Names{"c"}));
  EXPECT_EQ(names(list({{"CreationTimeBefore", created_a}})), (Names{"b"}));
  EXPECT_EQ(names(list({{"LastModifiedTimeAfter", created_a}})), (Names{"A", "c"}));
  EXPECT_EQ(names(list({{"WarmPoolStatusEquals", "Available"}})), Names{});
}

TEST_F(Lists, PagesMeetEveryJobOnceWhateverTheOrder) {
  for (int i = 0; i < 20; ++i) create("job-" + std::to_string(i));  // all in one millisecond
  for (const char* sort : {"CreationTime", "Name", "Status"})
    for (const char* order : {"Ascending", "Descending"}) {
      Document params{{"SortBy", sort}, {"SortOrder", order}, {"MaxResults", 7}};
      Names paged;
      Document page = list(params);
      while (true) {
        for (auto& name : names(page)) paged.push_back(name);
        if (!page.contains("NextToken")) break;
        params["NextToken"] = page["NextToken"];
        page = list(params);
      }
      EXPECT_EQ(paged, names(list({{"SortBy", sort}, {"SortOrder", order}, {"MaxResults", 100}})))
          << sort << order;
      EXPECT_EQ(std::set(paged.begin(), paged.end()).size(), 23u);
    }
}

TEST_F(Lists, TheLastPageHasNoToken) {
  EXPECT_FALSE(list({{"MaxResults", 3}}).contains("NextToken"));
  EXPECT_TRUE(list({{"MaxResults", 2}}).contains("NextToken"));
}

TEST_F(Lists, ATokenIsTiedToItsFilters) {
  const auto token = list({{"MaxResults", 1}})["NextToken"];
  EXPECT_EQ(names(list({{"MaxResults", 2}, {"NextToken", token}})), (Names{"A", "c"}));
  EXPECT_EQ(desk.refusal(*service, "ListTrainingJobs", {{"NextToken", token}, {"SortBy", "Name"}}).code,
            "ValidationException");
  EXPECT_EQ(desk.refusal(*service, "ListTrainingJobs", {{"NextToken", "nonsense"}}).code,
            "ValidationException");
}

TEST_F(Lists, OtherRegionsAndAccountsSeeNothing) {
  Context elsewhere = desk.context();
  elsewhere.region = Region("eu-west-1");
  const auto* handler = service->handler(*service->model().operation("ListTrainingJobs"));
  EXPECT_EQ(handler->call(elsewhere, {})->ready, "{\"TrainingJobSummaries\":[]}");
}

class Searches : public Lists {
 protected:
  Names search(Document expression, Document more = Document::object()) {
    Document params{{"Resource", "TrainingJob"}, {"SearchExpression", std::move(expression)}};
    params.update(more);
    Names found;
    const Document answer = desk.get(*service, "Search", params);
    for (const auto& result : answer["Results"]) found.push_back(result["TrainingJob"]["TrainingJobName"]);
    return found;
  }
  static Document filter(const std::string& name, const std::string& op, const std::string& value) {
    return {{"Filters", {{{"Name", name}, {"Operator", op}, {"Value", value}}}}};
  }
};

TEST_F(Searches, FindsTheJobOfAModel) {
  create("d");
  auto last = end(Outcome::kCompleted);
  last.model_uri = "s3://bucket/out/d/output/model.tar.gz";
  say(last);
  EXPECT_EQ(search(filter("ModelArtifacts.S3ModelArtifacts", "Equals", last.model_uri)), (Names{"d"}));
}

TEST_F(Searches, NewestComeFirst) {
  EXPECT_EQ(search(Document::object()), (Names{"c", "A", "b"}));
  EXPECT_EQ(search(Document::object(), {{"SortBy", "TrainingJobName"}, {"SortOrder", "Ascending"}}),
            (Names{"A", "b", "c"}));
}

TEST_F(Searches, ResultsAreWholeRecordsWithTags) {
  auto params = request("tagged");
  params["Tags"] = Document::array({{{"Key", "team"}, {"Value", "blue"}}});
  params["HyperParameters"] = {{"lr", "0.5"}};
  desk.get(*service, "CreateTrainingJob", params);
  const auto found =
      desk.get(*service, "Search",
               {{"Resource", "TrainingJob"}, {"SearchExpression", filter("Tags.team", "Equals", "blue")}});
  ASSERT_EQ(found["Results"].size(), 1u);
  EXPECT_EQ(found["Results"][0]["TrainingJob"]["Tags"], params["Tags"]);
  EXPECT_EQ(search(filter("HyperParameters.lr", "LessThan", "0.60")), (Names{"tagged"}));
}

TEST_F(Searches, PagesBySearchToken) {
  Document params{{"Resource", "TrainingJob"}, {"MaxResults", 2}};
  const auto first = desk.get(*service, "Search", params);
  EXPECT_EQ(first["Results"].size(), 2u);
  params["NextToken"] = first["NextToken"];
  const auto second = desk.get(*service, "Search", params);
  EXPECT_EQ(second["Results"].size(), 1u);
  EXPECT_FALSE(second.contains("NextToken"));
}

TEST_F(Searches, OtherResourcesGiveEmptyResults) {
  EXPECT_EQ(desk.get(*service, "Search", {{"Resource", "ModelPackageGroup"}})["Results"], Document::array());
}

}  // namespace
}  // namespace sagelet::sagemaker
