package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.checkpoint.Limits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names of models, revisions, files and commits: which are followed, and what is said of those that are not. */
class HubNamesTests extends HubTrial {
    @Test
    void aNameWithoutAnOwnerIsOneToo() throws IOException {
        server.file("gpt2", "config.json", config).file("gpt2", WEIGHTS, weights);
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            Path folder = hub.model("gpt2", "main");
            assertThat(folder).isEqualTo(cache.resolve("models--gpt2/snapshots/" + LocalHub.COMMIT));
            assertThat(Hub.nameOf(folder)).contains("gpt2");
        }
    }

    @Test
    void onlyTheShardsThatTheIndexNamesAreFetched() throws IOException {
        String sharded = "owner/sharded";
        server.file(sharded, "config.json", config).file(sharded, "model.safetensors.index.json", """
                {"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors",
                 "b": "model-00002-of-00002.safetensors", "c": "model-00001-of-00002.safetensors"}}""")
                .file(sharded, "model-00001-of-00002.safetensors", bytes(1000, 3))
                .file(sharded, "model-00002-of-00002.safetensors", bytes(2000, 4))
                .file(sharded, "consolidated.safetensors", bytes(3000, 5))
                .file(sharded, "pytorch_model.bin", bytes(10, 6)).file(sharded, "onnx/model.onnx", bytes(10, 7))
                .file(sharded, "original/params.json", "{}").file(sharded, "tokenizer_config.json", "{ }")
                .file(sharded, "LICENSE", "free").file(sharded, "README.md", "# Hi")
                .file(sharded, "modeling_own.py", "boom()")
                .file(sharded, "additional_chat_templates/tools.jinja", "{{ }}");
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            Path folder = hub.model(sharded, "main");
            assertThat(names(folder)).containsExactly("LICENSE", "README.md", "additional_chat_templates",
                    "config.json",
                    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                    "model.safetensors.index.json", "tokenizer_config.json");
            Path template = folder.resolve("additional_chat_templates/tools.jinja");
            assertThat(template).hasContent("{{ }}");
            assertThat(Files.readSymbolicLink(template).toString()).startsWith("../../../blobs/");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            pytorch_model.bin | only as pickles (*.bin), which can hold programs and are not fetched; look for
            model-Q4_0.gguf   | has its weights as .gguf; download the one file
            tf_model.h5       | has neither model.safetensors nor model.safetensors.index.json
            """)
    void aModelWithoutSafetensorsIsRefusedBeforeAnythingIsFetched(String file, String message) {
        server.file("owner/old", "config.json", config).file("owner/old", file, "x");
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model("owner/old", "main")).isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("owner/old").hasMessageContaining(message);
        }
        assertThat(server.requests).containsExactly("GET /api/models/owner/old/revision/main");
    }

    @Test
    void anIndexOfMoreFilesThanAnyModelHasIsRefusedBeforeTheyAreAskedFor() {
        StringBuilder index = new StringBuilder("{\"weight_map\": {\"t\": \"0.safetensors\"");
        for (int i = 1; i <= Limits.SHARDS; i++) {
            index.append(", \"t").append(i).append("\": \"").append(i).append(".safetensors\"");
        }
        server.file("owner/many", "config.json", config).file("owner/many", "model.safetensors.index.json",
                index.append("}}").toString());
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model("owner/many", "main")).isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("the number of files that it names is 10001, which is more than the 10000");
        }
        assertThat(server.requests).noneMatch(request -> request.contains(".safetensors "))
                .noneMatch(request -> request.endsWith("0.safetensors"));
    }

    @Test
    void whatIsNoModelIsRefused() {
        server.file("owner/notes", "README.md", "# Hi");
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model("owner/notes", "main")).hasMessageContaining("has no config.json");
        }
    }

    @Test
    void aRenamedRepositoryIsFollowed() {
        for (String path : List.of("/api/models/owner/model/revision/main", "/owner/model/resolve/" + LocalHub.COMMIT
                + "/config.json")) {
            for (int i = 0; i < 2; i++) {
                server.fault(path.replace("owner/model", "old/name"),
                        LocalHub.status(307, "Location", path));
            }
        }
        String base = "/old/name/resolve/" + LocalHub.COMMIT + "/";
        for (String file : List.of("tokenizer.json", WEIGHTS)) {
            for (int i = 0; i < 2; i++) {
                server.fault(base + file, LocalHub.status(307, "Location",
                        "/owner/model/resolve/" + LocalHub.COMMIT + "/" + file));
            }
        }
        try (Hub hub = new Hub(with("t"), told, QUICK)) {
            Path folder = hub.model("old/name", "main");
            assertThat(folder.resolve(WEIGHTS)).hasBinaryContent(weights);
            assertThat(folder.toString()).contains("models--old--name");
        }
        assertThat(server.storeTokens).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            401 | GatedRepo        | -     | owner/model is gated | and set HF_TOKEN to a token of your account
            403 | GatedRepo        | token | owner/model is gated | with the account that the token
            401 | RepoNotFound     | -     | is no model at http  | set HF_TOKEN to a token that may read it
            401 | RepoNotFound     | token | is no model at http  | that the token may read it
            401 | -                | token | does not accept the token | make a new one
            403 | -                | token | does not let you have owner/model (403) | check that the token may read it
            403 | DisabledRepo     | -     | does not let you have owner/model (403) | for the reason
            404 | RepoNotFound     | -     | is no model at http  | nor a folder here; check the spelling
            404 | -                | -     | is no model at http  | nor a folder here; check the spelling
            404 | RevisionNotFound | -     | has no revision 'main' | give one as --revision
            """)
    void whatTheUserMustMendIsSaidAtOnce(int status, String code, String token, String what, String advice) {
        server.fault("/revision/main",
                code.equals("-") ? LocalHub.status(status) : LocalHub.status(status, "X-Error-Code", code));
        assertThatThrownBy(() -> fetch(token.equals("-") ? server.settings(cache) : with(token)))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining(what).hasMessageContaining(advice)
                .message().doesNotContain("\n");
        assertThat(server.requests).hasSize(1);
    }

    @Test
    void aFileThatWasListedButIsGoneIsNamed() {
        server.fault("/tokenizer.json", LocalHub.status(404, "X-Error-Code", "EntryNotFound"));
        assertThatThrownBy(this::fetch).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("owner/model has no file tokenizer.json at revision main");
    }

    @Test
    void aGatedFileOfAListThatIsOpenIsToldOf() {
        server.fault("/" + WEIGHTS, LocalHub.status(401, "X-Error-Code", "GatedRepo"));
        assertThatThrownBy(this::fetch).isInstanceOf(InvalidInputException.class).hasMessageContaining("is gated");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"../evil", "a/../b", "/etc/passwd", "a/b/c", "a\\b", "a--b/c", "a/b..c", ".hidden/x", "a/.x",
                "a/b.git", "", " ", "a b", "a/", "/b", "C:\\x", "a/-b", "ü/x", "a\0b", "a\nb"})
    void aNameThatCouldLeaveTheCacheIsNone(String name) {
        assertThat(Hub.isName(name)).isFalse();
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model(name, "main")).isInstanceOf(UsageException.class);
        }
        assertThat(server.requests).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"HuggingFaceTB/SmolLM2-135M", "gpt2", "a/b", "Qwen/Qwen2.5-0.5B-Instruct", "x_y/z_1",
        "_owner/model_"})
    void anOrdinaryNameIsOne(String name) {
        assertThat(Hub.isName(name)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"../../x", "..", "a/../b", "/etc", "a//b", "", "-x", ".x", "a\\b", "a b", "a\n", "refs/../x",
                "a?b", "a#b", "a%2e"})
    void aRevisionThatCouldLeaveTheCacheIsRefused(String revision) {
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model(MODEL, revision)).isInstanceOf(UsageException.class)
                    .hasMessageContaining("--revision");
        }
        assertThat(server.requests).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../x.safetensors", "/tmp/x.safetensors", "..\\x.safetensors", "sub/x.safetensors",
        "x.bin", "..", "a\0.safetensors", ""})
    void anIndexThatLeadsOutOfTheFolderIsRefused(String shard) {
        server.file("owner/evil", "config.json", config).file("owner/evil", "model.safetensors.index.json",
                "{\"weight_map\": {\"a\": \"" + shard.replace("\\", "\\\\").replace("\0", "\\u0000") + "\"}}");
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model("owner/evil", "main")).isInstanceOf(InvalidInputException.class);
        }
        assertThat(server.storeRequests).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"additional_chat_templates/..\\..\\x.jinja", "additional_chat_templates/a:b.jinja"})
    void aListedNameThatLeadsOutOfTheFolderIsRefused(String file) {
        server.file(MODEL, file, "x");
        assertThatThrownBy(this::fetch).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("could lead out of the cache");
        assertThat(repository()).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../../evil", "/etc/evil", "..", ".hidden", "a b", "", "x/y"})
    void anEtagThatCouldLeaveTheCacheIsRefused(String etag) {
        server.fault("/config.json",
                LocalHub.status(200, "ETag", '"' + etag + '"', "Content-Length", "" + config.length));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageContaining("is no name for a file");
        assertThat(cache.resolveSibling("evil")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../evil", "main", "0123", "0123456789ABCDEF0123456789ABCDEF01234567"})
    void aCommitThatIsNoneIsRefused(String commit) {
        server.fault("/revision/main",
                LocalHub.content(("{\"sha\": \"" + commit + "\"}").getBytes(StandardCharsets.UTF_8)));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class).hasMessageContaining("tells no commit");
    }
}
