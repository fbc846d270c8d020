package dev.come.cli;

import dev.come.ComeException;
import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.job.PruneJob.Failure;
import java.io.PrintWriter;
import java.util.List;

/**
 * The methods of a run of several that did not get there.
 *
 * @param all whether none got there
 */
record Fallen(List<Failure> failures, boolean all) {
    /**
     * Tells of each in a line of its own, whatever else is told; the last one ends the command.
     *
     * @throws ComeException if there is one; where none got there, of the kind of the first
     */
    void tell(PrintWriter err) {
        if (failures.isEmpty()) {
            return;
        }
        failures.subList(0, failures.size() - 1).forEach(failure -> err.println("come: " + sentence(failure)));
        String last = sentence(failures.getLast());
        throw all ? like(failures.getFirst().reason(), last) : new FailedException(last);
    }

    private static String sentence(Failure failure) {
        return failure.method() + " did not get there: " + failure.reason().getMessage();
    }

    private static ComeException like(ComeException kind, String message) {
        return switch (kind) {
            case UsageException _ -> new UsageException(message);
            case InvalidInputException _ -> new InvalidInputException(message);
            case NothingToDoException _ -> new NothingToDoException(message);
            default -> new FailedException(message);
        };
    }
}
