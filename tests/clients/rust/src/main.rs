//! The story of tests/clients/story.py, told by the AWS SDK for Rust: reads a plan, prints what it saw.
use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{ChecksumMode, CompletedMultipartUpload, CompletedPart, Delete, EncodingType, ObjectIdentifier};
use aws_sdk_s3::Client;
use aws_smithy_http_client::{proxy::ProxyConfig, Connector};
use aws_smithy_runtime_api::client::http::{http_client_fn, SharedHttpConnector};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

type Told<T> = Result<T, Box<dyn std::error::Error>>;

const PART: u64 = 5 << 20;

struct Story {
    plan: Value,
    bucket: String,
    s3: Client,
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What S3 wants in x-amz-copy-source: the SDK leaves that to its user.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => (byte as char).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn failing<O, E: ProvideErrorMetadata>(result: Result<O, SdkError<E>>) -> String {
    match result {
        Ok(_) => "none".into(),
        Err(error) => {
            let status = error.raw_response().map_or(0, |answer| answer.status().as_u16());
            format!("{status} {}", error.code().unwrap_or("no code"))
        }
    }
}

impl Story {
    fn new(plan: Value) -> Self {
        let text = |name: &str| plan[name].as_str().unwrap_or_default().to_string();
        let endpoint = text("endpoint");
        let proxy = text("proxy");
        let http = http_client_fn(move |_, _| {
            let config = if proxy.is_empty() { ProxyConfig::disabled() } else { ProxyConfig::http(&proxy).expect("an address") };
            SharedHttpConnector::new(Connector::builder().proxy_config(config).build_http())
        });
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .region(Region::new("us-east-1"))
            .force_path_style(plan["path_style"].as_bool().unwrap_or(true))
            .credentials_provider(Credentials::new("test", "test", None, None, "plan"))
            .http_client(http)
            .build();
        Story { bucket: text("bucket"), s3: Client::from_conf(config), plan }
    }

    fn strings(&self, name: &str) -> Vec<String> {
        let texts = self.plan[name].as_array().map(Vec::as_slice).unwrap_or_default();
        texts.iter().map(|text| text.as_str().unwrap_or_default().to_string()).collect()
    }

    fn put(&self, key: &str, body: &str) -> PutObjectFluentBuilder {
        let body = ByteStream::from(body.as_bytes().to_vec());
        self.s3.put_object().bucket(&self.bucket).key(key).body(body)
    }

    async fn content(&self, key: &str, range: Option<&str>) -> Told<String> {
        let asked = self.s3.get_object().bucket(&self.bucket).key(key).set_range(range.map(String::from));
        Ok(sha256(&asked.send().await?.body.collect().await?.into_bytes()))
    }

    async fn of_key(&self, key: &str, body: &str) -> Told<Value> {
        let metadata: HashMap<String, String> = serde_json::from_value(self.plan["metadata"].clone())?;
        self.put(key, body).content_type("text/x-story").set_metadata(Some(metadata)).send().await?;
        let head = self.s3.head_object().bucket(&self.bucket).key(key).checksum_mode(ChecksumMode::Enabled).send().await?;
        let source = encoded(&format!("{}/{key}", self.bucket));
        self.s3.copy_object().bucket(&self.bucket).key("copy").copy_source(source).send().await?;
        let life = PresigningConfig::expires_in(Duration::from_secs(600))?;
        let get = self.s3.get_object().bucket(&self.bucket).key(key).presigned(life.clone()).await?;
        let put = self.s3.put_object().bucket(&self.bucket).key(key).presigned(life).await?;
        Ok(json!({
            "size": head.content_length(), "type": head.content_type(), "metadata": head.metadata(),
            "crc32": head.checksum_crc32(), "content": self.content(key, None).await?,
            "range": self.content(key, Some("bytes=3-9")).await?, "copy": self.content("copy", None).await?,
            "get_url": get.uri(), "put_url": put.uri(),
        }))
    }

    async fn listed(&self) -> Told<Value> {
        let size = self.plan["page"].as_i64().unwrap_or(1000) as i32;
        let encoding = self.plan["encoding"].as_str().map(EncodingType::from);
        let mut pager =
            self.s3.list_objects_v2().bucket(&self.bucket).max_keys(size).set_encoding_type(encoding).into_paginator().send();
        let (mut keys, mut pages) = (Vec::new(), 0);
        while let Some(page) = pager.next().await {
            pages += 1;
            keys.extend(page?.contents().iter().map(|item| item.key().unwrap_or_default().to_string()));
        }
        Ok(json!({"keys": keys, "pages": pages}))
    }

    async fn in_parts(&self, file: &str, size: u64) -> Told<String> {
        let started = self.s3.create_multipart_upload().bucket(&self.bucket).key("parts").send().await?;
        let id = started.upload_id().unwrap_or_default();
        let mut parts = Vec::new();
        for (index, at) in (0..size).step_by(PART as usize).enumerate() {
            let length = Length::Exact(PART.min(size - at));
            let body = ByteStream::read_from().path(file).offset(at).length(length).build().await?;
            let number = index as i32 + 1;
            let part = self.s3.upload_part().bucket(&self.bucket).key("parts").upload_id(id).part_number(number).body(body);
            let done = part.send().await?;
            parts.push(CompletedPart::builder().part_number(number).set_e_tag(done.e_tag).set_checksum_crc32(done.checksum_crc32).build());
        }
        let all = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.s3.complete_multipart_upload().bucket(&self.bucket).key("parts").upload_id(id).multipart_upload(all);
        Ok(complete.send().await?.e_tag().unwrap_or_default().to_string())
    }

    async fn uploads(&self) -> Told<Value> {
        let big = self.plan["big"].as_str().unwrap_or_default();
        let etag = self.in_parts(big, self.plan["big_size"].as_u64().unwrap_or(0)).await?;
        // A file is a stream: its checksum follows it in a trailer.
        let body = ByteStream::from_path(big).await?;
        self.s3.put_object().bucket(&self.bucket).key("stream").body(body).send().await?;
        Ok(json!({"etag": etag, "parts": self.content("parts", None).await?, "stream": self.content("stream", None).await?,
                  "tail": self.content("parts", Some("bytes=-1000")).await?}))
    }

    async fn conditions(&self) -> Told<Value> {
        let there = self.put("one", "first").if_none_match("*").send().await?;
        let other = "\"0123456789abcdef0123456789abcdef\"";
        Ok(json!({
            "again": failing(self.put("one", "second").if_none_match("*").send().await),
            "other": failing(self.put("one", "third").if_match(other).send().await),
            "same": failing(self.put("one", "fourth").set_if_match(there.e_tag).send().await),
            "missing": failing(self.s3.get_object().bucket(&self.bucket).key("nothing here").send().await),
            "one": self.content("one", None).await?,
        }))
    }

    async fn remove(&self, key: &str) -> Told<()> {
        self.s3.delete_object().bucket(&self.bucket).key(key).send().await?;
        Ok(())
    }

    async fn removed(&self) -> Told<Value> {
        for key in ["copy", "parts", "stream"] {
            self.remove(key).await?;
        }
        let mut all = Delete::builder();
        for key in self.strings("removed") {
            all = all.objects(ObjectIdentifier::builder().key(key).build()?);
        }
        let gone = self.s3.delete_objects().bucket(&self.bucket).delete(all.build()?).send().await?;
        Ok(gone.deleted().iter().map(|item| item.key().unwrap_or_default()).collect())
    }
}

#[tokio::main]
async fn main() -> Told<()> {
    let plan = std::fs::read_to_string(std::env::args().nth(1).ok_or("usage: story PLAN")?)?;
    let story = Story::new(serde_json::from_str(&plan)?);
    let mut keys = Vec::new();
    for (key, body) in story.strings("keys").iter().zip(story.strings("bodies")) {
        keys.push(story.of_key(key, &body).await?);
    }
    story.remove("copy").await?;
    let told = json!({"keys": keys, "listed": story.listed().await?, "uploads": story.uploads().await?,
                      "conditions": story.conditions().await?, "removed": story.removed().await?});
    println!("{told}");
    Ok(())
}
