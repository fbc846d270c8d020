package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Progress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The hub client against a local server that speaks the hub's routes, where a small model lies. */
@Timeout(60)
abstract class HubTrial {
    static final String MODEL = "owner/model";
    static final String LISTING = "GET /api/models/owner/model/revision/main";
    static final String WEIGHTS = "model.safetensors";
    private static final int HEADER_BYTES = 80;
    /** Pauses of milliseconds rather than seconds. */
    static final Retries QUICK = new Retries(4, Duration.ofMillis(1), Duration.ofMillis(4),
            Duration.ofSeconds(5), Duration.ofSeconds(20));
    static final Retries IMPATIENT = new Retries(4, Duration.ofMillis(1), Duration.ofMillis(4),
            Duration.ofSeconds(5), Duration.ofSeconds(1));

    final LocalHub server = new LocalHub();
    final byte[] weights = safetensors(300_000, 1);
    final byte[] config = "{\"model_type\": \"llama\"}".getBytes(StandardCharsets.UTF_8);
    final Told told = new Told();

    @TempDir
    Path cache;

    @BeforeEach
    void aModelOnTheHub() {
        server.file(MODEL, "config.json", config).file(MODEL, "tokenizer.json", "{}")
                .file(MODEL, WEIGHTS, weights);
    }

    @AfterEach
    void close() {
        server.close();
    }

    /** Remembers what was told. */
    static final class Told implements Progress {
        final List<String> notes = Collections.synchronizedList(new ArrayList<>());
        final List<Long> totals = Collections.synchronizedList(new ArrayList<>());
        final AtomicLong done = new AtomicLong();

        @Override
        public Task begin(String what, long total, String unit) {
            assertThat(unit).isEqualTo(BYTES);
            totals.add(total);
            return done::addAndGet;
        }

        @Override
        public void note(String line) {
            notes.add(line);
        }
    }

    static byte[] bytes(int count, long seed) {
        byte[] bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** A safetensors file of so many bytes, whose one tensor is drawn. */
    static byte[] safetensors(int size, long seed) {
        int tensor = size - Long.BYTES - HEADER_BYTES;
        String header = "{\"a\": {\"dtype\": \"U8\", \"shape\": [" + tensor + "], \"data_offsets\": [0, " + tensor
                + "]}}";
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN).putLong(HEADER_BYTES)
                .put(header.getBytes(StandardCharsets.US_ASCII))
                .put(" ".repeat(HEADER_BYTES - header.length()).getBytes(
                        StandardCharsets.US_ASCII))
                .put(bytes(tensor, seed)).array();
    }

    Path fetch() {
        return fetch(server.settings(cache));
    }

    Path fetch(HubSettings settings) {
        return fetch(settings, QUICK);
    }

    Path fetch(HubSettings settings, Retries retries) {
        try (Hub hub = new Hub(settings, told, retries)) {
            return hub.model(MODEL, "main");
        }
    }

    HubSettings with(String token) {
        return new HubSettings(server.endpoint(), cache, Optional.of(token), false);
    }

    HubSettings offline() {
        return new HubSettings(server.endpoint(), cache, Optional.empty(), true);
    }

    Path repository() {
        return cache.resolve("models--owner--model");
    }

    Path blob(byte[] content) {
        return repository().resolve("blobs").resolve(LocalHub.sha256(content));
    }

    Path partial() {
        return blob(weights).resolveSibling(LocalHub.sha256(weights) + ".incomplete");
    }

    void leavePartial(byte[] content) throws IOException {
        Files.createDirectories(partial().getParent());
        Files.write(partial(), content);
    }

    static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
