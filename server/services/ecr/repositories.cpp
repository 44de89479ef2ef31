// Repositories: create, describe, delete, settings, tags.
#include <algorithm>

#include "base/digest.hpp"
#include "fmt/format.h"
#include "server/services/ecr/ecr.hpp"

namespace sagelet::ecr {

using nlohmann::json;

namespace {

std::string arn_of(const images::Repository& repository) {
  const auto& region = repository.registry.region;
  const std::string_view partition = region.starts_with("cn-")       ? "aws-cn"
                                     : region.starts_with("us-gov-") ? "aws-us-gov"
                                                                     : "aws";
  return fmt::format("arn:{}:ecr:{}:{}:repository/{}", partition, region, repository.registry.account,
                     repository.name);
}

Document describe(const images::Repository& repository) {
  const json settings = json::parse(repository.settings);
  Document out{{"repositoryArn", arn_of(repository)},
               {"registryId", repository.registry.account},
               {"repositoryName", repository.name},
               {"repositoryUri", repository.registry.host() + "/" + repository.name},
               {"createdAt", to_epoch_seconds(repository.created)},
               {"imageTagMutability", settings.value("mutability", "MUTABLE")},
               {"imageScanningConfiguration", {{"scanOnPush", settings.value("scan", false)}}},
               {"encryptionConfiguration", settings.value("encryption", json{{"encryptionType", "AES256"}})}};
  if (settings.contains("exclusions")) out["imageTagMutabilityExclusionFilters"] = settings["exclusions"];
  return out;
}

/// The mutability a request names, into the repository and its settings.
void set_mutability(const Input& input, images::Repository& repository, json& settings) {
  const auto mutability = input.maybe_text("imageTagMutability").value_or("MUTABLE");
  repository.immutable = mutability.starts_with("IMMUTABLE");
  repository.exempt.clear();
  settings["mutability"] = mutability;
  settings.erase("exclusions");
  if (!mutability.ends_with("_WITH_EXCLUSION") || !input.has("imageTagMutabilityExclusionFilters")) return;
  settings["exclusions"] = input.params.at("imageTagMutabilityExclusionFilters");
  for (const auto& filter : settings["exclusions"]) repository.exempt.push_back(filter.at("filter"));
}

/// Of equal keys the last counts.
void merge_tags(json& settings, const json& given) {
  json& tags = settings["tags"];
  if (!tags.is_array()) tags = json::array();
  for (const auto& tag : given) {
    const auto same =
        std::ranges::find_if(tags, [&](const json& old) { return old.at("Key") == tag.at("Key"); });
    if (same != tags.end()) {
      *same = tag;
    } else {
      tags.push_back(tag);
    }
  }
}

/// The repository of an ARN of this service.
Reply<images::Place> place_of_arn(const std::string& arn) {
  constexpr std::string_view kMark = ":repository/";
  const auto mark = arn.find(kMark);
  const auto service = arn.find(":ecr:");
  if (mark == std::string::npos || service == std::string::npos || service > mark)
    return errors::invalid_parameter("resourceArn", "Invalid ARN");
  const std::string scope = arn.substr(service + 5, mark - service - 5);  // region:account
  const auto colon = scope.find(':');
  if (colon == std::string::npos) return errors::invalid_parameter("resourceArn", "Invalid ARN");
  return images::Place{{scope.substr(colon + 1), scope.substr(0, colon)}, arn.substr(mark + kMark.size())};
}

}  // namespace

Reply<images::Repository> EcrService::alter(const images::Place& place,
                                            const std::function<void(images::Repository&, json&)>& change) {
  return errors::lift(store_.update_repository(place,
                                               [&](images::Repository& repository) -> images::Outcome<void> {
                                                 json settings = json::parse(repository.settings);
                                                 change(repository, settings);
                                                 repository.settings = settings.dump();
                                                 return {};
                                               }),
                      place);
}

Reply<Output> EcrService::create_repository(Context& context, Input input) {
  const auto place = place_of(context, input);
  images::Repository repository;
  repository.registry = place.registry;
  repository.name = place.repository;
  json settings = json::object();
  set_mutability(input, repository, settings);
  if (input.has("imageScanningConfiguration"))
    settings["scan"] = input.params.at("imageScanningConfiguration").value("scanOnPush", false);
  if (input.has("encryptionConfiguration"))
    settings["encryption"] = input.params.at("encryptionConfiguration");
  if (input.has("tags")) merge_tags(settings, input.params.at("tags"));
  repository.settings = settings.dump();
  TRY(const auto made, errors::lift(store_.create_repository(std::move(repository)), place));
  Output output;
  output.fields["repository"] = describe(made);
  return output;
}

Reply<Output> EcrService::describe_repositories(Context& context, Input input) {
  auto place = place_of(context, input);
  Output output;
  auto& list = output.fields["repositories"] = Document::array();
  if (input.has("repositoryNames")) {
    for (const auto& name : input.params.at("repositoryNames")) {
      place.repository = name;
      TRY(const auto one, errors::lift(store_.repository(place), place));
      list.push_back(describe(one));
    }
    return output;
  }
  std::string after;
  if (const auto token = input.maybe_text("nextToken"); token && !from_base64(*token, after))
    return errors::invalid_parameter("nextToken", "Invalid token");
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, input.number("maxResults", 100)));
  TRY(auto found, errors::lift(store_.repositories(place.registry, after, most + 1), place));
  if (found.size() > most) {
    found.resize(most);
    output.fields["nextToken"] = to_base64(found.back().name);
  }
  for (const auto& one : found) list.push_back(describe(one));
  return output;
}

Reply<Output> EcrService::delete_repository(Context& context, Input input) {
  const auto place = place_of(context, input);
  TRY(const auto gone, errors::lift(store_.delete_repository(place, input.flag("force")), place));
  Output output;
  output.fields["repository"] = describe(gone);
  return output;
}

Reply<Output> EcrService::put_image_tag_mutability(Context& context, Input input) {
  const auto place = place_of(context, input);
  TRY(const auto now, alter(place, [&](images::Repository& repository, json& settings) {
        set_mutability(input, repository, settings);
      }));
  Output output;
  output.fields = named(place);
  const Document shown = describe(now);
  for (const char* member : {"imageTagMutability", "imageTagMutabilityExclusionFilters"})
    if (shown.contains(member)) output.fields[member] = shown[member];
  return output;
}

Reply<Output> EcrService::put_image_scanning_configuration(Context& context, Input input) {
  const auto place = place_of(context, input);
  TRY(const auto now, alter(place, [&](images::Repository&, json& settings) {
        settings["scan"] = input.params.at("imageScanningConfiguration").value("scanOnPush", false);
      }));
  Output output;
  output.fields = named(place);
  output.fields["imageScanningConfiguration"] = describe(now)["imageScanningConfiguration"];
  return output;
}

Reply<Output> EcrService::list_tags(Context&, Input input) {
  TRY(const auto place, place_of_arn(input.text("resourceArn")));
  TRY(const auto repository, errors::lift(store_.repository(place), place));
  Output output;
  output.fields["tags"] = json::parse(repository.settings).value("tags", json::array());
  return output;
}

Reply<Output> EcrService::tag(Context&, Input input) {
  TRY(const auto place, place_of_arn(input.text("resourceArn")));
  TRY(const auto now, alter(place, [&](images::Repository&, json& settings) {
        merge_tags(settings, input.params.at("tags"));
      }));
  (void)now;
  return Output();
}

Reply<Output> EcrService::untag(Context&, Input input) {
  TRY(const auto place, place_of_arn(input.text("resourceArn")));
  TRY(const auto now, alter(place, [&](images::Repository&, json& settings) {
        const json gone = input.params.at("tagKeys");
        json kept = json::array();
        for (const auto& one : settings.value("tags", json::array()))
          if (std::ranges::find(gone, one.at("Key")) == gone.end()) kept.push_back(one);
        settings["tags"] = std::move(kept);
      }));
  (void)now;
  return Output();
}

}  // namespace sagelet::ecr
