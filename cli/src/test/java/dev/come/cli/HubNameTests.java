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
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands on a model that is given by its name on the hub, which is a server of this test. */
class HubNameTests {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    private final List<String> requests = new CopyOnWriteArrayList<>();
    private HttpServer server;
    private Trial trial;
    private Map<String, String> environment;

    @TempDir
    Path folder;

    @BeforeEach
    void start() throws IOException {
        trial = new Trial(folder);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                answer(exchange);
            }
        });
        server.start();
        environment = Map.of("HF_ENDPOINT", "http://127.0.0.1:" + server.getAddress().getPort(), "HF_HOME",
                folder.resolve("hf").toString());
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        requests.add(exchange.getRequestMethod() + " " + path);
        if (path.equals("/api/models/owner/tiny/revision/main") || path.equals("/api/models/owner/tiny/revision/v1")) {
            try (Stream<Path> files = Files.list(trial.model)) {
                send(exchange, files.map(file -> "{\"rfilename\": \"" + file.getFileName() + "\"}")
                        .collect(Collectors.joining(",", "{\"sha\": \"" + COMMIT + "\", \"siblings\": [", "]}"))
                        .getBytes(StandardCharsets.UTF_8));
            }
        } else if (path.startsWith("/owner/tiny/resolve/" + COMMIT + "/")) {
            byte[] content = Files.readAllBytes(trial.model.resolve(path.substring(path.lastIndexOf('/') + 1)));
            exchange.getResponseHeaders().set("X-Linked-Etag", '"' + sha256(content) + '"');
            send(exchange, content);
        } else {
            exchange.getResponseHeaders().set("X-Error-Code", "RepoNotFound");
            exchange.sendResponseHeaders(401, -1);
        }
    }

    private static void send(HttpExchange exchange, byte[] content) throws IOException {
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", "" + content.length);
            exchange.sendResponseHeaders(200, -1);
        } else {
            exchange.sendResponseHeaders(200, content.length);
            exchange.getResponseBody().write(content);
        }
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private List<String> eval(String... more) {
        return Stream.concat(Stream.of("eval", "--ppl-data", trial.text.toString(), "--seqlen", "32", "--threads", "1"),
                Stream.of(more)).toList();
    }

    @Test
    void aModelIsDownloadedOnceAndMeasuredLikeItsFolder() {
        Outcome byFolder = Trial.run(eval("--model-name", trial.model.toString()));
        Outcome byName = Trial.run(environment, eval("--model-name", "owner/tiny"));
        assertThat(byName.err()).contains("downloading owner/tiny: ");
        assertThat(byName.exitCode()).as(byName.err()).isZero();
        assertThat(byName.out()).isEqualTo(byFolder.out());
        assertThat(requests).contains("GET /owner/tiny/resolve/" + COMMIT + "/model.safetensors");

        requests.clear();
        Outcome again = Trial.run(environment, eval("--model-name", "owner/tiny", "--revision", "v1"));
        assertThat(again.out()).isEqualTo(byFolder.out());
        assertThat(requests).containsExactly("GET /api/models/owner/tiny/revision/v1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--json", "--quiet"})
    void whatAModelIsIsToldWithoutItsWeights(String option) throws IOException {
        Outcome byFolder = Trial.run(List.of("inspect", option, trial.model.toString()));
        Outcome byName = Trial.run(environment, List.of("inspect", option, "owner/tiny"));
        assertThat(byName.exitCode()).as(byName.err()).isZero();
        Path snapshot = folder.resolve("hf/hub/models--owner--tiny/snapshots/" + COMMIT);
        assertThat(byName.out()).isEqualTo(byFolder.out().replace(trial.model.toString(), snapshot.toString()));
        assertThat(snapshot.resolve("config.json")).isRegularFile();
        assertThat(snapshot.resolve("model.safetensors")).doesNotExist();

        Outcome offline = Trial.run(with(environment, "HF_HUB_OFFLINE", "1"), List.of("inspect", "owner/tiny"));
        assertThat(offline.exitCode()).isEqualTo(3);
        assertThat(offline.err().lines()).singleElement().asString().startsWith("come: The cache of the hub (")
                .endsWith("HF_HUB_OFFLINE forbids to fetch it; unset that once");

        assertThat(Trial.run(environment, eval("--model-name", "owner/tiny")).exitCode()).isZero();
        assertThat(snapshot.resolve("model.safetensors")).isRegularFile();
        assertThat(Trial.run(with(environment, "HF_HUB_OFFLINE", "1"), List.of("inspect", option, "owner/tiny")).out())
                .isEqualTo(byName.out());
    }

    private static Map<String, String> with(Map<String, String> environment, String name, String value) {
        Map<String, String> changed = new HashMap<>(environment);
        changed.put(name, value);
        return changed;
    }

    @Test
    void thePrunedModelIsTheSameAndSaysWhatItWasMadeFrom() throws IOException {
        assertThat(Trial.run(trial.prune()).exitCode()).isZero();
        Outcome outcome = Trial.run(environment,
                trial.prune("--model-name", "owner/tiny", "--save-path", folder.resolve("named").toString()));
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(folder.resolve("named/model.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("out/model.safetensors"));
        assertThat(folder.resolve("named/tokenizer.json")).isRegularFile()
                .hasSameBinaryContentAs(trial.model.resolve("tokenizer.json"));
        assertThat(Files.isSymbolicLink(folder.resolve("named/tokenizer.json"))).isFalse();
        assertThat(folder.resolve("named/README.md")).content().startsWith("---")
                .contains("# owner/tiny, 3 of 6 layers");
        assertThat(folder.resolve("named/come.json")).content().contains("\"owner/tiny\"")
                .doesNotContain(folder.resolve("hf").toString(), COMMIT);

        Outcome applied = Trial.run(environment,
                List.of("apply", "--plan", folder.resolve("named/come.json").toString(), "--model-name", "owner/tiny",
                        "--save-path", folder.resolve("again").toString()));
        assertThat(applied.exitCode()).as(applied.err()).isZero();
        assertThat(Trial.hashes(folder.resolve("again"))).isEqualTo(Trial.hashes(folder.resolve("named")));
    }

    @Test
    void aFolderOfThatNameIsTakenFirst() throws IOException {
        Outcome outcome = Trial.run(environment, eval("--model-name", trial.model.toString()));
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(requests).isEmpty();
        assertThat(folder.resolve("hf")).doesNotExist();
    }

    @Test
    void aModelThatDoesNotExistIsToldOfInOneLine() {
        Outcome outcome = Trial.run(environment, eval("--model-name", "owner/tinny"));
        assertThat(outcome.exitCode()).isEqualTo(3);
        assertThat(outcome.err().lines()).hasSize(1).first().asString()
                .startsWith("come: owner/tinny is no model at http://127.0.0.1").contains("check the spelling");
    }

    @Test
    void aMistypedOptionIsRefusedBeforeTheDownload() {
        assertThat(Trial.run(environment, eval("--model-name", "owner/tiny", "--dtype", "float8")).exitCode())
                .isEqualTo(2);
        assertThat(Trial.run(environment, trial.prune("--model-name", "owner/tiny", "--nsamples", "0")).exitCode())
                .isEqualTo(2);
        assertThat(Trial.run(environment,
                List.of("generate", "--model-name", "owner/tiny", "--prompt", "w3", "--top-p", "2")).exitCode())
                .isEqualTo(2);
        assertThat(requests).isEmpty();
    }
}
