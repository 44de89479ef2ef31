// The two policies of a repository: kept and given back, never applied.
#include "server/services/ecr/ecr.hpp"

namespace sagelet::ecr {

using nlohmann::json;

namespace {

constexpr auto kPolicy = "policy", kPolicyText = "policyText";
constexpr auto kLifecycle = "lifecycle", kLifecycleText = "lifecyclePolicyText";

}  // namespace

Reply<Output> EcrService::put_text(Context& context, const Input& input, const char* key,
                                   const char* member) {
  const auto place = place_of(context, input);
  const std::string& text = input.text(member);
  if (!json::parse(text, nullptr, /*allow_exceptions=*/false).is_object())
    return errors::invalid_parameter(member, "Invalid JSON");
  TRY(const auto now, alter(place, [&](images::Repository&, json& settings) { settings[key] = text; }));
  (void)now;
  Output output;
  output.fields = named(place);
  output.fields[member] = text;
  return output;
}

Reply<Output> EcrService::take_text(Context& context, const Input& input, const char* key, const char* member,
                                    bool remove,
                                    const std::function<api::Error(const images::Place&)>& missing) {
  const auto place = place_of(context, input);
  TRY(const auto repository, errors::lift(store_.repository(place), place));
  const json settings = json::parse(repository.settings);
  if (!settings.contains(key)) return missing(place);
  if (remove) {
    TRY(const auto now, alter(place, [&](images::Repository&, json& kept) { kept.erase(key); }));
    (void)now;
  }
  Output output;
  output.fields = named(place);
  output.fields[member] = settings[key];
  return output;
}

Reply<Output> EcrService::get_policy(Context& context, Input input) {
  return take_text(context, input, kPolicy, kPolicyText, false, errors::no_policy);
}
Reply<Output> EcrService::set_policy(Context& context, Input input) {
  return put_text(context, input, kPolicy, kPolicyText);
}
Reply<Output> EcrService::delete_policy(Context& context, Input input) {
  return take_text(context, input, kPolicy, kPolicyText, true, errors::no_policy);
}
Reply<Output> EcrService::get_lifecycle_policy(Context& context, Input input) {
  return take_text(context, input, kLifecycle, kLifecycleText, false, errors::no_lifecycle_policy);
}
Reply<Output> EcrService::put_lifecycle_policy(Context& context, Input input) {
  return put_text(context, input, kLifecycle, kLifecycleText);
}
Reply<Output> EcrService::delete_lifecycle_policy(Context& context, Input input) {
  return take_text(context, input, kLifecycle, kLifecycleText, true, errors::no_lifecycle_policy);
}

}  // namespace sagelet::ecr
