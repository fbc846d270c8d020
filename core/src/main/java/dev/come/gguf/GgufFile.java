package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import dev.come.checkpoint.TensorFile;
import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An open GGUF file, or several that a model was split into: the first one has the keys, and each has some tensors. Headers
 * lie in memory; parts of tensors are read when they are asked for.
 */
final class GgufFile implements AutoCloseable {
    /** So much of each tensor goes into the fingerprint. */
    private static final long FINGERPRINT_BYTES = 4096;
    private static final String COUNT = "split.count";
    private static final String NUMBER = "split.no";
    private static final String TENSORS = "split.tensors.count";
    /** How llama.cpp's llama-gguf-split calls the files, counted from 1. */
    private static final Pattern NAME = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

    private final Path file;
    private final List<GgufPart> parts = new ArrayList<>();
    private final GgufHeader header;
    /** Where a tensor lies, by its name. */
    private final Map<String, GgufPart> homes = new HashMap<>();

    private GgufFile(Path file) {
        this.file = file;
        try (Opening opening = new Opening()) {
            opening.add(this::close);
            add(GgufPart.open(file));
            GgufHeader first = parts.getFirst().header();
            int count = first.metadata().count(COUNT).orElse(1);
            if (count > 1) {
                addOthers(count);
                this.header = new GgufHeader(first.metadata(), first.dataStart(),
                        parts.stream().flatMap(part -> part.header().tensors().stream()).toList());
                requireAllTensors();
            } else {
                this.header = first;
            }
            opening.done();
        }
    }

    /**
     * Opens and checks a file and, if it is the first of several, the others, which lie beside it.
     *
     * @throws CheckpointException when one cannot be read or is not a sound GGUF file, or is not the part that it should be
     */
    static GgufFile open(Path file) {
        return Shortage.reading(file, () -> new GgufFile(file));
    }

    private void add(GgufPart part) {
        parts.add(part);
        for (GgufTensor tensor : part.header().tensors()) {
            GgufPart other = homes.put(tensor.name(), part);
            if (other != null) {
                throw wrong(part.file(), "tensor '%s' is in %s as well; fetch both again"
                        .formatted(Shown.of(tensor.name()), other.file().getFileName()));
            }
        }
    }

    private void addOthers(int count) {
        Limits.check(file, "'" + COUNT + "'", count, Limits.SHARDS);
        Matcher name = NAME.matcher(Objects.requireNonNull(file.getFileName()).toString());
        if (!name.matches() || Integer.parseInt(name.group(3)) != count) {
            throw wrong(file,
                    ("the file is one of %s parts of a model, whose names end with %s and so on; give all of them"
                            + " such names").formatted(count, name("NAME", 1, count)));
        }
        int number = place(1).number();
        if (number != 0 || Integer.parseInt(name.group(2)) != 1) {
            throw wrong(file,
                    "the file is part %s of %s of a model; give the first one, %s".formatted(number + 1, count,
                            name(name.group(1), 1, count)));
        }
        for (int i = 2; i <= count; i++) {
            Path other = file.resolveSibling(name(name.group(1), i, count));
            if (!Files.exists(other)) {
                throw wrong(file, "the file is the first of %s parts of a model, but %s is not beside it; fetch it"
                        .formatted(count, other.getFileName()));
            }
            add(GgufPart.open(other));
            if (place(i).number() != i - 1 || place(i).count() != count) {
                throw wrong(other,
                        "the file says that it is part %s of %s, where part %s of %s is expected; fetch it again"
                                .formatted(place(i).number() + 1, place(i).count(), i, count));
            }
        }
    }

    /** What a part says of itself. */
    private record Place(int number, int count) {}

    private Place place(int number) {
        GgufMetadata metadata = parts.get(number - 1).header().metadata();
        return new Place(metadata.count(NUMBER).orElse(-1), metadata.count(COUNT).orElse(-1));
    }

    private static String name(String begin, int number, int count) {
        return String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", begin, number, count);
    }

    private void requireAllTensors() {
        int all = metadata().count(TENSORS).orElse(header.tensors().size());
        if (all != header.tensors().size()) {
            throw wrong(file, "'%s' is %s, but the %s parts have %s tensors; fetch them again".formatted(TENSORS, all,
                    parts.size(), header.tensors().size()));
        }
    }

    private static CheckpointException wrong(Path file, String problem) {
        return new CheckpointException("%s: %s".formatted(file, problem));
    }

    /** The file, the first one of several. */
    Path file() {
        return file;
    }

    /** The header; of several files that of the first one, with the tensors of all. */
    GgufHeader header() {
        return header;
    }

    GgufMetadata metadata() {
        return header.metadata();
    }

    /**
     * Reads a part of a tensor.
     *
     * @param start where it begins, in bytes from the start of the tensor
     * @param into is filled
     * @throws CheckpointException when the file has not so much any more
     */
    void read(GgufTensor tensor, long start, byte[] into) {
        home(tensor).bytes().read(tensor.offset() + start, ByteBuffer.wrap(into));
    }

    private GgufPart home(GgufTensor tensor) {
        return Objects.requireNonNull(homes.get(tensor.name()));
    }

    /** Checks that each file is as long as it was when it was opened. */
    void requireUnchanged() {
        parts.forEach(part -> part.bytes().requireUnchanged());
    }

    /**
     * SHA-256, in hexadecimal digits, over the header, the size of the file and the first 4096 bytes of every tensor. It
     * costs next to nothing, whatever the size of the model, and yet tells a model from its fine-tuned or otherwise
     * quantised relatives, which differ in nearly every tensor.
     *
     * @param version what else makes a difference to whoever asks
     */
    String fingerprint(String version) {
        MessageDigest digest = TensorFile.sha256();
        digest.update(version.getBytes(StandardCharsets.UTF_8));
        for (GgufPart part : parts) {
            long size = part.bytes().size();
            digest.update(" %s".formatted(size).getBytes(StandardCharsets.UTF_8));
            part.bytes().pass(0, Math.min(part.header().dataStart(), size), digest::update);
            for (GgufTensor tensor : part.header().tensors()) {
                part.bytes().pass(tensor.offset(), Math.min(FINGERPRINT_BYTES, tensor.byteLength()), digest::update);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    @Override
    public void close() {
        try (Opening closing = new Opening()) {
            parts.forEach(part -> closing.add(part::close));
        }
    }
}
