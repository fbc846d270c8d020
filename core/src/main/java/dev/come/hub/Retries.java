package dev.come.hub;

import dev.come.FailedException;
import dev.come.checkpoint.IoReason;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;

/**
 * How patient to be with the network.
 *
 * @param attempts how often to try the same
 * @param first the pause after the first failure; it doubles with each further one
 * @param longest the longest pause that is not asked for by the server
 * @param longestAskedFor the longest pause that is granted to the server
 * @param silence how long nothing may arrive before a connection counts as broken
 */
record Retries(int attempts, Duration first, Duration longest, Duration longestAskedFor, Duration silence) {
    static final Retries USUAL = new Retries(6, Duration.ofSeconds(1), Duration.ofSeconds(30), Duration.ofMinutes(6),
            Duration.ofSeconds(60));

    /** Something to be tried. */
    @FunctionalInterface
    interface Attempt<T> {
        T run() throws IOException, InterruptedException;
    }

    /** The same, but trying once. */
    Retries once() {
        return new Retries(1, first, longest, longestAskedFor, silence);
    }

    /**
     * Tries until it works.
     *
     * @param server what is talked to, for messages
     * @param advanced whether the last attempt came further than the one before; then counting begins anew
     * @param note told before each pause
     * @throws HubUnreachableException if it does not work
     */
    <T> T run(String server, Attempt<T> attempt, BooleanSupplier advanced, Consumer<String> note) {
        return run(Transfer.DOWNLOAD, server, attempt, advanced, note);
    }

    /** The same for content that goes one way or the other. */
    <T> T run(Transfer way, String server, Attempt<T> attempt, BooleanSupplier advanced, Consumer<String> note) {
        for (int failures = 1;; failures++) {
            try {
                return attempt.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FailedException(way.interrupted(), e);
            } catch (IOException e) {
                failures = advanced.getAsBoolean() ? 1 : failures;
                Duration pause = pause(e, failures);
                if (failures >= attempts || isHopeless(e) || pause.compareTo(longestAskedFor) > 0) {
                    throw new HubUnreachableException(server + (e instanceof WrongContentException
                            ? " does not send what it tells (" + reason(e) + "); somebody on the way changes it, or the"
                                    + " server is broken: try another network"
                            : " cannot be reached (" + reason(e) + "); check the network")
                            + ", or " + way.advice(), e);
                }
                note.accept(server + ": " + reason(e) + "; trying again in " + inWords(pause));
                sleep(way, pause);
            }
        }
    }

    private Duration pause(IOException e, int failures) {
        Optional<Duration> asked = e instanceof BusyException busy ? busy.retryAfter() : Optional.empty();
        if (asked.isPresent()) {
            return asked.get();
        }
        Duration doubled = first.multipliedBy(1L << Math.min(failures - 1, 20));
        Duration pause = doubled.compareTo(longest) < 0 ? doubled : longest;
        // Many who were sent away together do not come back together.
        return pause.plusMillis(ThreadLocalRandom.current().nextLong(1 + pause.toMillis() / 4));
    }

    private static void sleep(Transfer way, Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException(way.interrupted(), e);
        }
    }

    /** What another attempt in a few seconds will not change. */
    private static boolean isHopeless(IOException e) {
        return isUnknownHost(e)
                || (e instanceof SSLException && !String.valueOf(e.getMessage()).contains("terminated"));
    }

    private static boolean isUnknownHost(IOException e) {
        return Stream.iterate((Throwable) e, Objects::nonNull, Throwable::getCause).limit(5)
                .anyMatch(
                        cause -> cause instanceof UnknownHostException || cause instanceof UnresolvedAddressException);
    }

    private static String reason(IOException e) {
        return switch (e) {
            case HttpTimeoutException _ -> "no answer in time";
            case IOException unknown when isUnknownHost(unknown) -> "no server of that name is known";
            case ConnectException _ -> "no connection";
            default -> IoReason.of(e);
        };
    }

    private static String inWords(Duration pause) {
        return pause.toMillis() < 1000 ? pause.toMillis() + " ms" : (pause.toMillis() + 500) / 1000 + " s";
    }
}
