package dev.come.text;

import dev.come.FailedException;
import dev.come.InterruptedRunException;
import dev.come.InvalidInputException;
import dev.come.Version;
import dev.come.checkpoint.AtomicFile;
import dev.come.failure.OwnProcess;
import dev.come.vocabulary.AddedToken;
import dev.come.vocabulary.TokenizerCheck;
import dev.come.vocabulary.TokenizerSource;
import dev.come.vocabulary.TokenizerText;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;

/**
 * Lets a tokenizer that was not seen before read some texts in a process of its own: what the tokenizers library does not
 * expect ends the process that it runs in, and not all of that can be known beforehand ({@link TokenizerCheck}). A tokenizer
 * that passes is remembered by its hash, so the next time costs no more than that.
 *
 * <p>Trials are made where the system property {@code come.tokenizers} names a folder for what is remembered; the command
 * sets it. Otherwise there is the check alone.
 */
public final class TrialRun {
    /** The system property. */
    public static final String FOLDER = "come.tokenizers";

    /** The largest known take some seconds of processor time. */
    private static final Duration LONGEST = Duration.ofMinutes(2);
    /** How many times longer it may last in all, where others have the processors. */
    private static final int BUSY = 10;
    /** A process that was ended by a signal has this code and the number of the signal. */
    private static final int ENDED = 128;
    /** SIGINT, SIGKILL and SIGTERM: no library sends them. */
    private static final Set<Integer> KILLED = Set.of(ENDED + 2, ENDED + 9, ENDED + 15);
    /** To be counted up when the check or the trial changes. */
    private static final String VERSION = "1";
    /** It works for a second or two, and leaves nothing when it ends. */
    private static final List<String> OPTIONS = List.of("-XX:TieredStopAtLevel=1", "-XX:-CreateCoredumpOnCrash",
            "-XX:ErrorFile=/dev/null");

    private static final List<String> TEXTS = List.of("", " ", "a", "It's  the 1st\r\n\r\nline,\tisn't it? ",
            "\u00e9 e\u0301 \u1e9e\u0323",
            "\u0421\u043b\u043e\u0432\u043e \u05e9\u05dc\u05d5\u05dd \u6f22\u5b57\u3002\ud55c\uae00 \u1112\u1161\u11ab",
            "\ud83d\ude00\ud83d\udc69\u200d\ud83d\udcbb \ufffd\u0000\u2581\u00a0\u3000", "x".repeat(300),
            "<0x41> ... !!! --",
            "one two three ".repeat(200));

    private final Path folder;
    private final ProcessBuilder builder;
    private final Duration longest;

    /**
     * Takes what a trial needs.
     *
     * @param folder keeps what passed
     * @param builder starts a process that is given the text of a tokenizer.json
     * @param longest how much processor time it may take
     */
    TrialRun(Path folder, ProcessBuilder builder, Duration longest) {
        this.folder = folder;
        this.builder = builder;
        this.longest = longest;
    }

    /**
     * Sees to it that a tokenizer does no harm.
     *
     * @param check what is looked for before a trial
     * @throws InvalidInputException if it would
     * @throws FailedException if the trial was killed from outside
     */
    static void of(TokenizerSource source, BiConsumer<Path, String> check) {
        String folder = System.getProperty(FOLDER);
        if (folder == null) {
            check.accept(source.file(), source.json());
        } else {
            new TrialRun(Path.of(folder), OwnProcess.of(TrialRun.class, OPTIONS), LONGEST).once(source, check);
        }
    }

    /** Checks and tries a tokenizer, unless it is known. */
    void once(TokenizerSource source, BiConsumer<Path, String> check) {
        Path mark = folder.resolve(source.hash() + "-" + VERSION + "-" + Version.number());
        if (!Files.exists(mark)) {
            check.accept(source.file(), source.json());
            if (passes(source.file(), source.json())) {
                remember(mark);
            }
        }
    }

    /** Makes the trial; false if it could not be made. */
    private boolean passes(Path file, String json) {
        Process process = null;
        try {
            process = builder.redirectOutput(Redirect.DISCARD).redirectError(Redirect.DISCARD).start();
            give(process, json);
            if (!ends(process)) {
                throw unusable(file, "did not get ready with it within " + longest.toSeconds() + " seconds");
            }
            int code = process.exitValue();
            if (KILLED.contains(code)) {
                throw new FailedException("The process that tried " + file
                        + " was killed, perhaps because memory was short; run the same command again");
            }
            if (code >= ENDED || code < 0) {
                throw unusable(file, "ended the process that tried it");
            }
            return code == 0;
        } catch (IOException _) {
            return false; // a system that starts no process
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedRunException(e);
        } finally {
            if (process != null) {
                process.destroyForcibly();
            }
        }
    }

    /** Waits; false if it takes too long. */
    private boolean ends(Process process) throws InterruptedException {
        Duration step = longest.dividedBy(20);
        for (int steps = 0; steps < 20 * BUSY; steps++) {
            if (process.waitFor(step)) {
                return true;
            }
            if (process.info().totalCpuDuration().orElse(Duration.ZERO).compareTo(longest) > 0) {
                return false;
            }
        }
        return false;
    }

    private static InvalidInputException unusable(Path file, String what) {
        return new InvalidInputException(file + " is not a tokenizer that can be used: the tokenizers library " + what
                + "; fetch the file again, or take that of the model it was made from");
    }

    private static void give(Process process, String json) {
        try (OutputStream out = process.getOutputStream()) {
            out.write(json.getBytes(StandardCharsets.UTF_8));
        } catch (IOException _) {
            // it has ended, and its code tells how
        }
    }

    private static void remember(Path mark) {
        try {
            Files.createDirectories(mark.resolveSibling(""));
            AtomicFile.write(mark, "");
        } catch (IOException | FailedException _) {
            // then it is tried again the next time
        }
    }

    /** The process of its own: makes the tokenizer that it is given, and has it do all that is ever asked of one. */
    static void main(String[] arguments) throws IOException {
        String json = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        Path file = Path.of("tokenizer.json");
        AtomicInteger highest = new AtomicInteger();
        List<String> texts = new ArrayList<>(TEXTS);
        TokenizerText.read(file, json, new TokenizerText.Visitor() {
            @Override
            public void token(String token, int id) {
                highest.accumulateAndGet(id, Math::max);
            }

            @Override
            public void added(AddedToken token) {
                token(token.content(), token.id());
                texts.add("\u00e9" + token.content() + "\u00e9 " + token.content() + " ");
            }
        });
        try (NativeTokenizer tokenizer = new NativeTokenizer(file, json)) {
            for (String text : texts) {
                tokenizer.decode(tokenizer.encode(text, true));
                tokenizer.encode(text, false);
            }
            for (int id = 0; id <= highest.get() + 1; id++) {
                tokenizer.decode(new int[]{id});
            }
        } catch (InvalidInputException _) {
            System.exit(0); // the library refuses it in words, and will do so again
        }
    }
}
