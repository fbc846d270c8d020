package dev.come.spark;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.UsageException;
import java.io.Serializable;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What an executor says to a question about a shard. What cannot be done there is an answer too, since it would be no better
 * the next time.
 *
 * @param answer null if there is none
 * @param failure why there is no answer
 * @param kind of the failure: the name of its class
 * @param host the machine
 * @param place the executor, as Spark names places
 * @param runs how many times a layer was run over a chunk
 */
record Reply<A extends Serializable>(@Nullable A answer, String failure, String kind, String host, String place,
        long runs)
        implements
            Serializable {
    /** @throws dev.come.ComeException what the executor met, with the name of its machine */
    void requireAnswer() {
        if (answer != null) {
            return;
        }
        String sentence = "On " + host + ": " + failure;
        if (kind.equals(UsageException.class.getName())) {
            throw new UsageException(failure);
        }
        throw kind.equals(InvalidInputException.class.getName())
                ? new InvalidInputException(sentence)
                : new FailedException(sentence);
    }

    boolean isAnswer() {
        return answer != null;
    }

    /** The same with another answer, or with none. */
    <B extends Serializable> Reply<B> with(@Nullable B other) {
        return new Reply<>(other, failure, kind, host, place, runs);
    }

    @Override
    public A answer() {
        return Objects.requireNonNull(answer);
    }
}
