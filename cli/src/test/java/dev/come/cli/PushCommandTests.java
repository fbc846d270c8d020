package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pushes to a server that takes every file with the commit; uploads by LFS are tried where the client is. */
class PushCommandTests {
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final List<String> commits = new CopyOnWriteArrayList<>();
    private volatile String created = "";
    private HttpServer server;
    private Trial trial;
    private Map<String, String> environment;

    @TempDir
    private Path folder;

    @BeforeEach
    void makeModel() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                answer(exchange);
            }
        });
        server.start();
        trial = new Trial(folder);
        environment = Map.of("HF_ENDPOINT", endpoint(), "HF_HOME", folder.resolve("hf").toString(),
                "XDG_CACHE_HOME", folder.resolve("caches").toString(), "HF_TOKEN", "hf_secret");
        for (String name : List.of("run.json", "report.html", "notes.txt", ".env", "README.md", "small.gguf",
                "token")) {
            Files.writeString(trial.model.resolve(name), "x");
        }
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        requests.add(path);
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String answer = "{}";
        if (path.equals("/api/repos/create")) {
            created = body;
        } else if (path.equals("/api/models/me/small")) {
            answer = "{\"private\": " + created.contains("\"private\":true") + "}";
        } else if (path.endsWith("/preupload/main")) {
            answer = Pattern.compile("\"path\":\"[^\"]+\"").matcher(body).results()
                    .map(file -> "{" + file.group() + ", \"uploadMode\": \"regular\"}")
                    .collect(Collectors.joining(",", "{\"files\": [", "]}"));
        } else if (path.endsWith("/tree/main")) {
            answer = "[]";
        } else if (path.endsWith("/commit/main")) {
            commits.add(body);
            answer = "{\"commitOid\": \"0123456789abcdef0123456789abcdef01234567\"}";
        }
        byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(created.isEmpty() ? 404 : 200, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    private Outcome push(Map<String, String> variables, String... more) {
        List<String> arguments = new ArrayList<>(List.of("push", "me/small", "--model", trial.model.toString()));
        arguments.addAll(List.of(more));
        return Trial.run(variables, arguments);
    }

    @Test
    void aDryRunListsWhatWouldBeSentAndAPushSendsIt() {
        Outcome listed = push(environment, "--dry-run", "--private");
        assertThat(listed.exitCode()).as(listed.err()).isZero();
        assertThat(listed.out()).containsPattern("model.safetensors +\\S+ k?B +LFS")
                .containsPattern("README.md +1 bytes +in the commit").contains("small.gguf")
                .contains("notes.txt, report.html, run.json, token")
                .endsWith("Model: " + endpoint() + "/me/small; to be made, private\n").doesNotContain(".env");
        assertThat(created).isEmpty();

        Outcome pushed = push(environment, "--private", "--message", "First");
        assertThat(pushed.exitCode()).as(pushed.err()).isZero();
        assertThat(pushed.out()).isEqualTo("Model: " + endpoint()
                + "/me/small, commit 0123456789abcdef0123456789abcdef01234567\n");
        assertThat(pushed.out() + pushed.err()).doesNotContain("hf_secret");
        assertThat(commits).singleElement().asString().contains("\"summary\":\"First\"", "\"config.json\"",
                "\"model.safetensors\"", "\"README.md\"", "\"small.gguf\"", "\"tokenizer.json\"")
                .doesNotContain("notes.txt", ".env", "run.json", "report.html", "\"token\"");
        assertThat(folder.resolve("caches/come/uploads")).isDirectory();
    }

    @Test
    void withoutATokenNothingIsAsked() {
        Map<String, String> unknown = Map.of("HF_ENDPOINT", endpoint(), "HF_HOME",
                folder.resolve("hf").toString());
        assertThat(push(unknown, "--dry-run").out()).endsWith("/me/small; not asked what is there\n");
        Outcome outcome = push(unknown);
        assertThat(outcome.exitCode()).isEqualTo(3);
        assertThat(outcome.err()).startsWith("come: There is no token to push with; set HF_TOKEN");
        assertThat(requests).isEmpty();
    }

    @Test
    void whatIsNoWholeModelIsRefused() throws IOException {
        assertThat(push(environment, "--revision", "../x").exitCode()).isEqualTo(2);
        Path half = Files.move(trial.model, folder.resolve(".small.come-1a2b"));
        Outcome unfinished = Trial.run(environment, List.of("push", "me/small", "--model", half.toString()));
        assertThat(unfinished.exitCode()).isEqualTo(3);
        assertThat(unfinished.err()).contains("is what a run has not finished");
        Files.move(half, trial.model);
        Path weights = trial.model.resolve("model.safetensors");
        byte[] all = Files.readAllBytes(weights);
        Files.write(weights, Arrays.copyOf(all, all.length - 9));
        assertThat(push(environment).exitCode()).isEqualTo(3);
        Files.delete(trial.model.resolve("config.json"));
        assertThat(push(environment).exitCode()).isEqualTo(3);
        assertThat(requests).isEmpty();
    }

    @Test
    void resultsGoIntoTheCard() throws IOException {
        assertThat(Trial.run(trial.prune()).exitCode()).isZero();
        Path card = folder.resolve("out/README.md");
        String before = Files.readString(card);
        List<String> eval = List.of("eval", "--quiet", "--model", folder.resolve("out").toString(), "--ppl-data",
                trial.text.toString(), "--seqlen", "32", "--threads", "1", "--card");
        Outcome outcome = Trial.run(eval);
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        String after = Files.readString(card);
        assertThat(after).startsWith(before).contains("## Results", "perplexity per token").doesNotContain(
                folder.toString());
        assertThat(Trial.run(eval).exitCode()).isZero();
        assertThat(card).hasContent(after);
        Files.delete(card);
        Outcome without = Trial.run(eval);
        assertThat(without.exitCode()).isEqualTo(3);
        assertThat(without.err()).contains("--card: there is no file " + card);
    }
}
