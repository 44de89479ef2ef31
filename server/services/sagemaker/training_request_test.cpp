#include "base/fs.hpp"
#include "server/services/sagemaker/fixture.hpp"

namespace sagelet::sagemaker {
namespace {

class TrainingRequest : public Fixture {
 protected:
  static Document with_channel(const std::string& name, const Document& more = Document::object()) {
    Document params = request(name);
    params["InputDataConfig"] = Document::array({channel("train", "s3://bucket/data/")});
    params["InputDataConfig"][0].update(more, true);
    return params;
  }
  static Document from_file_system(const std::string& name, const std::string& path) {
    Document params = request(name);
    params["VpcConfig"] = {{"SecurityGroupIds", {"sg-1"}}, {"Subnets", {"subnet-1"}}};
    params["InputDataConfig"] = Document::array({{{"ChannelName", "train"},
                                                  {"DataSource",
                                                   {{"FileSystemDataSource",
                                                     {{"FileSystemId", "fs-01234567"},
                                                      {"FileSystemAccessMode", "ro"},
                                                      {"FileSystemType", "EFS"},
                                                      {"DirectoryPath", path}}}}}}});
    return params;
  }
  static Document in_groups(const std::string& name) {
    Document params = request(name);
    params["ResourceConfig"] = {
        {"VolumeSizeInGB", 30},
        {"InstanceGroups",
         {{{"InstanceGroupName", "cpu"}, {"InstanceType", "ml.m5.large"}, {"InstanceCount", 2}},
          {{"InstanceGroupName", "gpu"}, {"InstanceType", "ml.p3.8xlarge"}, {"InstanceCount", 1}}}}};
    return params;
  }
  const JobSpec& spec_of(const Document& params) {
    desk.get(*service, "CreateTrainingJob", params);
    return jobs.queued.at(jobs.queued.size() - 1).spec;
  }
  std::string refused(const Document& params) {
    const auto error = desk.refusal(*service, "CreateTrainingJob", params);
    EXPECT_EQ(error.code, "ValidationException") << error.message;
    return error.message;
  }
};

using Names = std::vector<std::string>;

TEST_F(TrainingRequest, EveryInstanceIsAHost) {
  auto params = request("one");
  params["ResourceConfig"]["InstanceCount"] = 3;
  params["ResourceConfig"]["InstanceType"] = "ml.p3.8xlarge";
  const auto& spec = spec_of(params);
  EXPECT_EQ(spec.hosts, (Names{"algo-1", "algo-2", "algo-3"}));
  EXPECT_EQ(jobs.queued[0].instance_count, 3);
  EXPECT_EQ(spec.gpus, 4);
  EXPECT_EQ(spec.group_name, "homogeneousCluster");
}

TEST_F(TrainingRequest, HostsAreNumberedAcrossInstanceGroups) {
  auto params = in_groups("one");
  params["InputDataConfig"] = Document::array({channel("train", "s3://bucket/data/")});
  params["InputDataConfig"][0]["DataSource"]["S3DataSource"]["InstanceGroupNames"] = {"gpu"};
  const auto& spec = spec_of(params);
  EXPECT_EQ(spec.hosts, (Names{"algo-1", "algo-2", "algo-3"}));
  ASSERT_EQ(spec.instance_groups.size(), 2u);
  EXPECT_EQ(spec.instance_groups[0].hosts, (Names{"algo-1", "algo-2"}));
  EXPECT_EQ(spec.instance_groups[1].hosts, Names{"algo-3"});
  EXPECT_EQ(spec.instance_groups[1].instance_type, "ml.p3.8xlarge");
  EXPECT_EQ(spec.group_name, "cpu");
  EXPECT_EQ(spec.channels[0].hosts, Names{"algo-3"});
}

TEST_F(TrainingRequest, ResourcesThatContradictEachOtherAreRefused) {
  auto both = in_groups("one");
  both["ResourceConfig"]["InstanceType"] = "ml.m5.large";
  EXPECT_NE(refused(both).find("InstanceGroups together with InstanceType"), std::string::npos);
  auto neither = request("one");
  neither["ResourceConfig"].erase("InstanceType");
  EXPECT_NE(refused(neither).find("You must specify either InstanceType"), std::string::npos);
  auto none = request("one");
  none["ResourceConfig"]["InstanceCount"] = 0;
  EXPECT_NE(refused(none).find("at least 1"), std::string::npos);
  auto twice = in_groups("one");
  twice["ResourceConfig"]["InstanceGroups"][1]["InstanceGroupName"] = "cpu";
  EXPECT_EQ(refused(twice), "Duplicate InstanceGroupName 'cpu' in InstanceGroups.");
  auto unknown = with_channel("one");
  unknown["InputDataConfig"][0]["DataSource"]["S3DataSource"]["InstanceGroupNames"] = {"gpu"};
  EXPECT_EQ(refused(unknown), "Channel train: there is no instance group 'gpu' in ResourceConfig.");
}

TEST_F(TrainingRequest, MoreHostsThanTheLimitAreAQuotaError) {
  auto params = request("one");
  params["ResourceConfig"]["InstanceCount"] = 2'000'000'000;
  EXPECT_EQ(desk.refusal(*service, "CreateTrainingJob", params).code, "ResourceLimitExceeded");
}

TEST_F(TrainingRequest, AKeepAlivePeriodGoesNeitherWithSpotNorWithInstanceGroups) {
  auto spot = request("one");
  spot["EnableManagedSpotTraining"] = true;
  spot["StoppingCondition"]["MaxWaitTimeInSeconds"] = 3600;
  spot["ResourceConfig"]["KeepAlivePeriodInSeconds"] = 60;
  EXPECT_NE(refused(spot).find("managed spot training"), std::string::npos);
  auto groups = in_groups("one");
  groups["ResourceConfig"]["KeepAlivePeriodInSeconds"] = 60;
  EXPECT_NE(refused(groups).find("InstanceGroups"), std::string::npos);
  groups["ResourceConfig"]["KeepAlivePeriodInSeconds"] = 0;  // as @remote sends it
  desk.get(*service, "CreateTrainingJob", groups);
}

TEST_F(TrainingRequest, TheTimesToWaitMustFitOneAnother) {
  auto params = request("one");
  params["StoppingCondition"]["MaxWaitTimeInSeconds"] = 7200;
  EXPECT_NE(refused(params).find("MaxWaitTimeInSeconds"), std::string::npos);
  params["EnableManagedSpotTraining"] = true;
  desk.get(*service, "CreateTrainingJob", params);
  params = request("two");
  params["StoppingCondition"]["MaxRuntimeInSeconds"] = 28 * 86400 + 1;
  EXPECT_NE(refused(params).find("28 days"), std::string::npos);
}

TEST_F(TrainingRequest, AnAugmentedManifestIsPiped) {
  auto params = with_channel("one", {{"InputMode", "Pipe"}, {"RecordWrapperType", "RecordIO"}});
  params["InputDataConfig"][0]["ShuffleConfig"] = {{"Seed", 7}};
  auto& source = params["InputDataConfig"][0]["DataSource"]["S3DataSource"];
  source["S3DataType"] = "AugmentedManifestFile";
  EXPECT_NE(refused(params).find("AttributeNames"), std::string::npos);
  source["AttributeNames"] = {"source-ref", "label"};
  const auto& made = spec_of(params).channels[0];
  EXPECT_EQ(made.attribute_names, (Names{"source-ref", "label"}));
  EXPECT_EQ(made.record_wrapper, "RecordIO");
  EXPECT_TRUE(made.shuffle);
  EXPECT_EQ(made.shuffle_seed, 7u);
  params["TrainingJobName"] = "two";
  params["InputDataConfig"][0]["InputMode"] = "File";
  params["InputDataConfig"][0]["RecordWrapperType"] = "None";
  EXPECT_NE(refused(params).find("Pipe input mode only"), std::string::npos);
}

TEST_F(TrainingRequest, WhatNeedsAPipeIsRefusedWithoutOne) {
  EXPECT_NE(
      refused(with_channel("one", {{"RecordWrapperType", "RecordIO"}})).find("RecordWrapperType RecordIO"),
      std::string::npos);
  EXPECT_NE(refused(with_channel("one", {{"CompressionType", "Gzip"}})).find("CompressionType Gzip"),
            std::string::npos);
  auto params = with_channel("one", {{"InputMode", "FastFile"}});
  params["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile";
  EXPECT_NE(refused(params).find("S3Prefix only"), std::string::npos);
}

TEST_F(TrainingRequest, AFileSystemIsAFolderThatTheConfigNames) {
  const auto folder = TempFolder::make(std::filesystem::temp_directory_path(), "sagelet-fs").value();
  ASSERT_TRUE(make_folders(folder.path() / "data/train"));
  service = make_sagemaker({desk.ledger(),
                            jobs,
                            objects,
                            credentials,
                            desk.clock,
                            random,
                            {.file_systems = {{"fs-01234567", folder.path()}}}});
  const auto& made = spec_of(from_file_system("one", "/data/train")).channels[0];
  EXPECT_EQ(made.file_system_path, (folder.path() / "data/train").native());
  EXPECT_TRUE(made.file_system_read_only);
  EXPECT_EQ(made.s3_uri, "");
  for (const char* path : {"/data/../..", "../other", "/data/none"}) {
    auto params = from_file_system("bad", path);
    desk.get(*service, "CreateTrainingJob", params);
    EXPECT_EQ(describe("bad")["TrainingJobStatus"], "Failed") << path;
    desk.get(*service, "DeleteTrainingJob", {{"TrainingJobName", "bad"}});
  }
}

TEST_F(TrainingRequest, AFileSystemThatTheConfigDoesNotNameFailsAndSaysHowToNameIt) {
  desk.get(*service, "CreateTrainingJob", from_file_system("one", "/etc"));
  EXPECT_EQ(describe("one")["FailureReason"],
            "ClientError: Channel train: no local folder stands for the file system fs-01234567. Name one in "
            "sagelet.yaml: file_systems: { fs-01234567: /path/to/folder }");
  EXPECT_TRUE(jobs.queued.empty());
  auto params = from_file_system("two", "/data");
  params.erase("VpcConfig");
  EXPECT_NE(refused(params).find("VpcConfig"), std::string::npos);
}

}  // namespace
}  // namespace sagelet::sagemaker
