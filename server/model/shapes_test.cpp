#include "server/model/shapes.hpp"

#include <algorithm>
#include <set>

#include "gtest/gtest.h"

namespace sagelet::model {
namespace {

TEST(Shapes, EveryServiceIsFoundByItsName) {
  for (const std::string_view name : {"iam", "logs", "s3", "sagemaker", "sts"}) {
    ASSERT_NE(find_service(name), nullptr) << name;
    EXPECT_EQ(find_service(name)->name, name);
  }
  EXPECT_EQ(find_service("ec2"), nullptr);
}

TEST(Shapes, OperationsAndShapesAreSortedSoThatLookupsFindAllOfThem) {
  for (const ServiceModel* service : services()) {
    for (const Operation& operation : service->operations) {
      EXPECT_EQ(service->operation(operation.name), &operation) << operation.name;
      EXPECT_EQ(&service->operations[operation.index], &operation);
    }
    for (const Shape* shape : service->shapes) EXPECT_EQ(service->shape(shape->name), shape) << shape->name;
    EXPECT_EQ(service->operation("NoSuchOperation"), nullptr);
    EXPECT_EQ(service->shape(""), nullptr);
  }
}

TEST(Shapes, ACreateTrainingJobKnowsItsConstraints) {
  const Operation* create = find_service("sagemaker")->operation("CreateTrainingJob");
  ASSERT_NE(create, nullptr);
  const Member* name = create->input->find("TrainingJobName");
  ASSERT_NE(name, nullptr);
  EXPECT_TRUE(name->required);
  EXPECT_EQ(name->shape->max, 63);
  EXPECT_EQ(name->shape->pattern, "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}");
  EXPECT_FALSE(create->input->find("Environment")->required);
  EXPECT_EQ(create->input->find("Environment")->shape->map_key->shape->kind, Kind::kString);
  EXPECT_EQ(create->input->find("NoSuchMember"), nullptr);
}

TEST(Shapes, ErrorsCarryCodeAndStatus) {
  const Shape* missing = find_service("iam")->shape("NoSuchEntityException");
  ASSERT_NE(missing, nullptr);
  EXPECT_TRUE(missing->is_exception);
  EXPECT_EQ(missing->error_code, "NoSuchEntity");
  EXPECT_EQ(missing->error_status, 404);
  EXPECT_EQ(find_service("sagemaker")->shape("ResourceNotFound")->error_status, 400);
}

TEST(Shapes, S3AnswersKnowTheirRootAndPayload) {
  const ServiceModel* s3 = find_service("s3");
  EXPECT_EQ(s3->xml_namespace, "http://s3.amazonaws.com/doc/2006-03-01/");
  EXPECT_EQ(s3->operation("ListObjectsV2")->output_root, "ListBucketResult");
  EXPECT_EQ(s3->operation("GetObject")->output->payload->name, "Body");
  EXPECT_TRUE(s3->operation("GetObject")->output->payload->streaming);
}

TEST(Shapes, EveryReferenceIsSetAndEveryPatternIsCounted) {
  std::set<std::uint32_t> patterns;
  for (const ServiceModel* service : services()) {
    for (const Shape* shape : service->shapes) {
      for (const Member& member : shape->members) ASSERT_NE(member.shape, nullptr) << shape->name;
      EXPECT_EQ(shape->element != nullptr, shape->kind == Kind::kList || shape->kind == Kind::kMap);
      if (!shape->pattern.empty()) patterns.insert(shape->pattern_index);
    }
  }
  EXPECT_EQ(patterns.size(), pattern_count());
  EXPECT_EQ(*patterns.rbegin() + 1, pattern_count());
}

}  // namespace
}  // namespace sagelet::model
