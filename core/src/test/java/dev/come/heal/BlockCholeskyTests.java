package dev.come.heal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.TestDevice;
import dev.come.calibration.Moments;
import dev.come.model.Tensors;
import dev.come.model.Workers;
import dev.come.model.Workspace;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlockCholeskyTests {
    private final Random random = new Random(3);
    private PointerScope scope;

    @BeforeEach
    void open() {
        scope = new PointerScope();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    private Tensor normal(long rows, long columns) {
        return RidgeTests.normal(random, rows, columns);
    }

    /** Works on the workspace of one of several threads. */
    private static <T> T with(int threads, Function<Workspace, T> work) {
        try (Workers workers = new Workers(TestDevice.float32(threads))) {
            List<T> result = new ArrayList<>();
            workers.forEach(1, (_, workspace) -> result.add(work.apply(workspace)));
            return result.getFirst();
        }
    }

    /** The plain twin solves with the whole matrix. */
    @ParameterizedTest
    @CsvSource({"1, 4, 1", "4, 4, 3", "5, 4, 2", "11, 4, 130", "12, 3, 64", "7, 1, 65"})
    void solvesAsTheWholeMatrixDoes(long size, long block, long outputs) {
        Tensor rows = normal(size + 3, size);
        Tensor symmetric = rows.t().mm(rows);
        Tensor right = normal(size, outputs);
        Tensor lower = torch.full_like(symmetric, new Scalar(Double.NaN)).tril(-1); // nobody reads it
        Tensor matrix = symmetric.triu().add(lower);
        for (double added : new double[]{0.5, 0, 20}) {
            Tensor expected = torch.linalg_solve(symmetric.add(torch.eye(size, symmetric.options()), new Scalar(added)),
                    right);
            double[] found = with(2, workspace -> {
                BlockCholesky cholesky = new BlockCholesky(matrix, block, workspace);
                assertThat(cholesky.factorise(added)).isTrue();
                return Tensors.doubles(cholesky.solve(right));
            });
            double[] others = Tensors.doubles(expected);
            assertThat(found).hasSameSizeAs(others);
            for (int i = 0; i < found.length; i++) {
                assertThat(found[i]).isCloseTo(others[i], within(1e-8 * Math.max(1, Math.abs(others[i]))));
            }
            assertThat(matrix.triu().equal(symmetric.triu())).as("the upper half stays").isTrue();
        }
    }

    @Test
    void theBitsDoNotDependOnTheNumberOfThreads() {
        Tensor rows = normal(90, 70);
        Tensor right = normal(70, 200);
        List<double[]> found = List.of(1, 2, 5).stream().map(threads -> with(threads, workspace -> {
            BlockCholesky cholesky = new BlockCholesky(rows.t().mm(rows), 16, workspace);
            assertThat(cholesky.factorise(0.1)).isTrue();
            return Tensors.doubles(cholesky.solve(right));
        })).toList();
        assertThat(found.get(1)).containsExactly(found.get(0));
        assertThat(found.get(2)).containsExactly(found.get(0));
    }

    @Test
    void aMatrixThatIsNotPositiveIsTold() {
        Tensor matrix = torch.eye(9, normal(1, 1).options());
        matrix.select(0, 6).select(0, 6).fill_(new Scalar(-1.0));
        assertThat((boolean) with(1, workspace -> new BlockCholesky(matrix, 4, workspace).factorise(0.5))).isFalse();
        assertThat((boolean) with(1, workspace -> new BlockCholesky(matrix, 4, workspace).factorise(1.5))).isTrue();
    }

    @Test
    void sumsAreWholeAgainAfterwards() {
        long channels = Moments.PANEL + 5;
        Tensor x = normal(50, channels);
        try (Moments moments = new Moments(channels, 1).add(x, normal(50, 1))) {
            double[] before = Tensors.doubles(moments.inputs());
            assertThat(
                    (boolean) with(2, workspace -> new BlockCholesky(moments.inputsToWorkIn(), Moments.PANEL, workspace)
                            .factorise(1)))
                    .isTrue();
            assertThat(Tensors.doubles(moments.inputs())).containsExactly(before);
        }
    }
}
