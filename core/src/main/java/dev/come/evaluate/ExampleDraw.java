package dev.come.evaluate;

import dev.come.UsageException;
import dev.come.evaluate.TaskDescription.Draw;
import dev.come.text.PythonRandom;
import java.util.List;
import java.util.stream.IntStream;

/** The examples of one document after the other. */
final class ExampleDraw {
    private final TaskDescription task;
    private final List<Row> pool;
    private final List<Integer> numbers;
    private final Draw draw;
    private final int shots;
    private final PythonRandom random = new PythonRandom(TaskData.SEED);

    /**
     * Draws from the beginning on.
     *
     * @param pool the rows to draw from
     * @param draw how that is done
     * @param shots how many examples a document gets
     */
    ExampleDraw(TaskDescription task, List<Row> pool, Draw draw, int shots) {
        this.task = task;
        this.pool = pool;
        this.numbers = IntStream.range(0, pool.size()).boxed().toList();
        this.draw = draw;
        this.shots = shots;
    }

    /** The rows to draw from. */
    List<Row> pool() {
        return pool;
    }

    /** The numbers of the rows that the next document gets. */
    List<Integer> next(Row document) {
        return switch (draw) {
            case FIRST -> numbers.subList(0, enough(shots, numbers));
            case RANDOM -> random.sample(numbers, enough(shots, numbers));
            case RANDOM_ONE_MORE -> {
                List<Integer> others = random.sample(numbers, enough(shots + 1, numbers)).stream()
                        .filter(number -> differs(number, document)).toList();
                if (others.size() < shots) {
                    List<Integer> rest = numbers.stream().filter(number -> differs(number, document)).toList();
                    others = random.sample(rest, enough(shots, rest));
                }
                yield others.subList(0, shots);
            }
        };
    }

    private boolean differs(int number, Row document) {
        return !pool.get(number).fields().equals(document.fields());
    }

    private int enough(int count, List<Integer> from) {
        if (count > from.size()) {
            throw new UsageException("--num-fewshot is " + shots + ", but the task " + task.name() + " has only "
                    + from.size() + " examples to draw from; lower it");
        }
        return count;
    }
}
