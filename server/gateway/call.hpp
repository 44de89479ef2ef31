#pragma once
// One AWS call on its way through the gateway: an Exchange whose steps are read in gateway.cpp.
#include <memory>
#include <optional>
#include <string>

#include "server/gateway/gateway.hpp"
#include "server/gateway/identify.hpp"
#include "server/wire/multipart_form.hpp"
#include "server/wire/protocol.hpp"

namespace sagelet::gateway {

class Call final : public http::Exchange {
 public:
  explicit Call(Gateway& gateway) : gateway_(gateway) {}

  std::optional<http::Response> begin(http::Head head) override;
  std::optional<http::Response> body(std::string_view bytes) override;
  bool waits() const override;
  void finish(std::function<void(http::Response)> done) override;

 private:
  /// The steps that are left, or as many as can be done by now.
  std::optional<http::Response> proceed();

  using Step = std::optional<http::Response> (Call::*)();
  static const Step kHeadSteps[];
  static const Step* const kLastStep;

  // The steps of begin(), in their order. A response ends the call.
  std::optional<http::Response> guard_host();
  std::optional<http::Response> hand_over();
  std::optional<http::Response> answer_preflight();
  std::optional<http::Response> authenticate();
  std::optional<http::Response> identify_service();
  std::optional<http::Response> guard_origin();
  std::optional<http::Response> open_form();
  std::optional<http::Response> match_operation();
  std::optional<http::Response> refuse_anonymous();
  std::optional<http::Response> open_sink();

  // form.cpp: a browser's form, whose fields come in the body.
  bool form_waits() const { return form_ && !form_request_; }
  Status begin_file(std::string filename);
  std::optional<http::Response> become_request(std::string filename);
  std::optional<api::Error> end_of_form() const;

  // The steps of finish().
  Reply<Input> read_input();
  Status end_of_body();
  Reply<Output> run(Input input);
  void answer(Reply<Output> reply, const std::function<void(http::Response)>& done);

  std::optional<auth::Refusal> admit();
  bool at_door() const { return visit_ != nullptr; }
  const auth::Authenticator& authenticator() const;
  const std::string& server_host() const;
  void fill_context();
  void read_cors();
  Status keep(std::string_view bytes);
  http::Response failure(const api::Error& error);
  http::Response success(Output output);
  http::Response refusal(const auth::Refusal& refusal);
  http::Response counted(http::Response response);
  bool is_head() const { return head_.method == "HEAD"; }

  Gateway& gateway_;
  http::Head head_;
  http::Visit* visit_ = nullptr;  ///< it came in by the door
  bool admin_ = false;
  std::unique_ptr<http::Exchange> guest_;  ///< answers in our place: the image registry's
  auth::Judged judged_;
  std::optional<auth::Refusal> refused_;  ///< kept until the service is known: its protocol words the answer
  Identified identified_;
  Service* service_ = nullptr;
  const wire::Protocol* protocol_ = nullptr;
  wire::Match match_;
  Context context_;
  http::Headers cors_;  ///< go with every answer
  std::optional<auth::AwsChunked> chunked_;
  const Step* next_step_ = kHeadSteps;
  std::optional<wire::MultipartForm> form_;
  std::string form_bucket_;
  std::optional<FormRequest> form_request_;     ///< what the form stands for, from its file on
  std::optional<http::Response> form_refusal_;  ///< instead of its file
  std::unique_ptr<http::BodySink> sink_;
  std::optional<Document> bound_;  ///< with a sink: the head's members are all there are
  std::string body_;
};

}  // namespace sagelet::gateway
