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
import java.util.Optional;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RidgeTests {
    private static final int CHANNELS = 6;
    private static final int OUTPUTS = 3;

    private final Random random = new Random(11);
    private PointerScope scope;
    private Workspace workspace;

    @BeforeEach
    void open() {
        scope = new PointerScope();
        workspace = new Workspace(TestDevice.float32(1));
    }

    @AfterEach
    void close() {
        workspace.close();
        scope.close();
    }

    /** Numbers from a normal distribution, float64. */
    private Tensor normal(long rows, long columns) {
        return normal(random, rows, columns);
    }

    /** The same from any source. */
    static Tensor normal(Random random, long rows, long columns) {
        float[] values = new float[Math.toIntExact(rows * columns)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return torch.tensor(values).view(rows, columns).to(ScalarType.Double);
    }

    /** The first channel is large and the last one small. */
    private Tensor uneven(long rows, long channels) {
        Tensor x = normal(rows, channels);
        x.select(1, 0).mul_(new Scalar(30.0));
        x.select(1, channels - 1).mul_(new Scalar(0.1));
        return x;
    }

    private static Moments moments(Tensor x, Tensor y) {
        return new Moments(x.size(1), y.size(1)).add(x, y);
    }

    private static void assertClose(Tensor found, Tensor expected, Offset<Double> offset) {
        assertThat(Tensors.doubles(found)).hasSize((int) expected.numel());
        double[] values = Tensors.doubles(found);
        double[] others = Tensors.doubles(expected);
        for (int i = 0; i < values.length; i++) {
            assertThat(values[i]).isCloseTo(others[i], offset);
        }
    }

    /** The mean of |y - x change|^2. */
    private static double error(Tensor x, Tensor y, Tensor change) {
        return y.sub(x.mm(change)).square().sum().item_double() / y.size(0);
    }

    /**
     * The plain twin: least squares by an orthogonal decomposition on the rows themselves, with one more row for each
     * channel that is penalised, of the square root of the penalty.
     */
    private static Tensor plain(Tensor x, Tensor y, double lambda, boolean bias) {
        long channels = x.size(1);
        long penalised = bias ? channels - 1 : channels;
        double penalty = lambda * x.narrow(1, 0, penalised).square().sum().item_double() / penalised;
        Tensor rows = torch.zeros_like(x.t().mm(x));
        for (long i = 0; i < penalised; i++) {
            rows.select(0, i).select(0, i).fill_(new Scalar(Math.sqrt(penalty)));
        }
        return torch.linalg_lstsq(torch.cat(new TensorVector(x, rows), 0),
                torch.cat(new TensorVector(y, torch.zeros(new long[]{channels, y.size(1)}, y.options())), 0)).get0();
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-6, 1e-3, 0.1, 10})
    void theChangeIsThatOfPlainLeastSquares(double lambda) {
        Tensor x = uneven(40, CHANNELS);
        Tensor y = normal(40, OUTPUTS);
        for (boolean bias : new boolean[]{false, true}) {
            Tensor rows = bias ? torch.cat(new TensorVector(x, torch.ones_like(x.narrow(1, 0, 1))), 1) : x;
            try (Moments moments = moments(rows, y)) {
                assertClose(new Ridge(moments, bias).change(lambda), plain(rows, y, lambda, bias), within(1e-9));
            }
        }
    }

    /** The plain twin makes every change of the path and has it meet the other rows. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theErrorsOnOtherRowsAreThoseOfTheChanges(boolean bias) {
        Tensor x = uneven(40, 300); // more channels than a thread turns at once
        Tensor other = uneven(50, 300);
        if (bias) {
            // The constant times the weight of the row.
            x.select(1, 299).copy_(normal(40, 1).abs().select(1, 0));
            other.select(1, 299).copy_(normal(50, 1).abs().select(1, 0));
        }
        Tensor y = normal(40, OUTPUTS).add(new Scalar(2.0));
        Tensor otherY = normal(50, OUTPUTS).add(new Scalar(1.0));
        try (Moments fitted = moments(x, y); Moments heldOut = moments(other, otherY)) {
            double[] errors = new Ridge(fitted, bias).errors(heldOut, workspace);
            assertThat(errors).hasSize(Ridge.PATH.size());
            for (int i = 0; i < errors.length; i++) {
                Tensor change = plain(x, y, Ridge.PATH.get(i), bias);
                assertThat(errors[i]).isCloseTo(error(other, otherY, change),
                        Percentage.withPercentage(1e-5));
            }
        }
    }

    @Test
    void theConstantIsNotPenalised() {
        Tensor x = normal(200, CHANNELS);
        Tensor y = torch.ones_like(normal(200, 1)).mul(new Scalar(7.0));
        try (Moments moments = moments(torch.cat(new TensorVector(x, torch.ones_like(x.narrow(1, 0, 1))), 1), y)) {
            assertThat(new Ridge(moments, true).change(1e6).select(0, CHANNELS).item_double()).isCloseTo(7,
                    within(1e-3));
        }
    }

    @Test
    void sumsOfTwoHalvesAreThoseOfTheWhole() {
        Tensor x = uneven(50, CHANNELS);
        Tensor y = normal(50, OUTPUTS);
        try (Moments whole = moments(x, y);
                Moments first = moments(x.narrow(0, 0, 20), y.narrow(0, 0, 20));
                Moments second = moments(x.narrow(0, 20, 30), y.narrow(0, 20, 30));
                Moments both = new Moments(CHANNELS, OUTPUTS).add(first).add(second)) {
            assertThat(both.rows()).isEqualTo(whole.rows()).isEqualTo(50);
            assertThat(both.error()).isCloseTo(whole.error(), within(1e-12));
            assertClose(both.inputs(), whole.inputs(), within(1e-9));
            assertClose(both.products(), whole.products(), within(1e-9));
            assertClose(new Ridge(both, false).change(0.01), new Ridge(whole, false).change(0.01), within(1e-11));
        }
    }

    @Test
    void whatIsLinearIsFoundExactly() {
        Tensor truth = normal(CHANNELS, OUTPUTS);
        Tensor x = normal(60, CHANNELS);
        Tensor other = normal(20, CHANNELS);
        try (Moments fitted = moments(x, x.mm(truth)); Moments heldOut = moments(other, other.mm(truth))) {
            Ridge.Fit fit = Ridge.best(fitted, heldOut, false, workspace).orElseThrow();
            assertThat(fit.lambda()).isLessThanOrEqualTo(Ridge.PATH.getFirst());
            assertThat(error(other, other.mm(truth), fit.change().borrow())).isLessThan(1e-8);
            assertClose(fit.change().borrow(), truth, within(1e-3));
            fit.close();
        }
    }

    /** The plain twin tries all penalties. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 1e-3, 0.1, 1, 10, 100})
    void noPenaltyOfThePathWouldHaveBeenBetter(double noise) {
        Tensor truth = normal(CHANNELS, OUTPUTS);
        Tensor x = uneven(30, CHANNELS);
        Tensor other = uneven(30, CHANNELS);
        Tensor y = x.mm(truth).add(normal(30, OUTPUTS), new Scalar(noise));
        Tensor otherY = other.mm(truth).add(normal(30, OUTPUTS), new Scalar(noise));
        try (Moments fitted = moments(x, y); Moments heldOut = moments(other, otherY)) {
            double least = Ridge.PATH.stream()
                    .mapToDouble(lambda -> error(other, otherY, plain(x, y, lambda, false))).min().orElseThrow();
            Optional<Ridge.Fit> fit = Ridge.best(fitted, heldOut, false, workspace);
            assertThat(fit.map(found -> error(other, otherY, found.change().borrow())).orElse(heldOut.error()))
                    .isCloseTo(Math.min(least, heldOut.error()), within(1e-9));
            fit.ifPresent(Ridge.Fit::close);
        }
    }

    /** The twin tries all penalties; a search by derivatives finds one that is as good but for very little. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 1e-3, 0.1, 1, 10})
    void manyChannelsFindNearlyTheBestPenalty(double noise) {
        Tensor truth = normal(CHANNELS, 300);
        Tensor x = uneven(30, CHANNELS);
        Tensor other = uneven(30, CHANNELS);
        Tensor y = x.mm(truth).add(normal(30, 300), new Scalar(noise));
        Tensor otherY = other.mm(truth).add(normal(30, 300), new Scalar(noise));
        try (Moments fitted = moments(x, y); Moments heldOut = moments(other, otherY)) {
            double least = Ridge.PATH.stream()
                    .mapToDouble(lambda -> error(other, otherY, plain(x, y, lambda, false))).min().orElseThrow();
            Ridge.Fit fit = ManyChannels.best(fitted, heldOut, false, workspace).orElseThrow();
            double error = error(other, otherY, fit.change().borrow());
            assertThat(error).isBetween(least - 1e-9, 1.01 * least + 1e-9);
            assertClose(fit.change().borrow(), plain(x, y, fit.lambda(), false), within(1e-6));
            fit.close();
        }
    }

    /** Of several diagonal blocks. */
    @Test
    void manyChannelsFindTheChangeOfPlainLeastSquares() {
        long channels = 2 * Moments.PANEL + 50;
        Tensor truth = normal(channels, OUTPUTS);
        Tensor x = normal(2000, channels);
        Tensor other = normal(300, channels);
        Tensor y = x.mm(truth).add(normal(2000, OUTPUTS), new Scalar(20.0));
        Tensor otherY = other.mm(truth).add(normal(300, OUTPUTS), new Scalar(20.0));
        try (Moments fitted = moments(x, y); Moments heldOut = moments(other, otherY)) {
            try (Ridge.Fit fit = ManyChannels.best(fitted, heldOut, false, workspace).orElseThrow()) {
                assertClose(fit.change().borrow(), plain(x, y, fit.lambda(), false), within(1e-9));
            }
            try (Ridge.Fit again = ManyChannels.best(fitted, heldOut, false, workspace).orElseThrow()) {
                assertClose(again.change().borrow(), plain(x, y, again.lambda(), false), within(1e-9));
            }
        }
    }

    @Test
    void manyChannelsPenaliseNoConstantEither() {
        Tensor x = torch.cat(new TensorVector(uneven(60, CHANNELS), torch.ones_like(normal(60, 1))), 1);
        Tensor y = x.mm(normal(CHANNELS + 1, OUTPUTS)).add(normal(60, OUTPUTS), new Scalar(0.3)).add(new Scalar(5.0));
        try (Moments fitted = moments(x.narrow(0, 0, 40), y.narrow(0, 0, 40));
                Moments heldOut = moments(x.narrow(0, 40, 20), y.narrow(0, 40, 20))) {
            Ridge.Fit fit = ManyChannels.best(fitted, heldOut, true, workspace).orElseThrow();
            assertClose(fit.change().borrow(), plain(x.narrow(0, 0, 40), y.narrow(0, 0, 40), fit.lambda(), true),
                    within(1e-8));
            Ridge.Fit twin = Ridge.best(fitted, heldOut, true, workspace).orElseThrow();
            assertThat(fit.lambda()).isEqualTo(twin.lambda());
            twin.close();
            fit.close();
        }
    }

    /** Fewer rows than channels, and a penalty that is nothing against them: no factor, so it is not taken. */
    @Test
    void aMatrixThatCannotBeFactoredIsNoError() {
        Tensor x = normal(3, 50).mul(new Scalar(1e8));
        x.select(1, 0).zero_();
        Tensor y = normal(3, OUTPUTS);
        Tensor other = normal(20, 50);
        Tensor otherY = normal(20, OUTPUTS);
        try (Moments fitted = moments(x, y); Moments heldOut = moments(other, otherY)) {
            ManyChannels.best(fitted, heldOut, false, workspace).ifPresent(fit -> {
                assertThat(error(other, otherY, fit.change().borrow())).isLessThan(heldOut.error());
                fit.close();
            });
        }
    }

    /** More channels than rows: what fits the rows exactly ruins others, and the held out rows see that. */
    @Test
    void whatOnlyFitsItsOwnRowsIsNotTaken() {
        Tensor x = uneven(20, 40);
        Tensor noise = normal(20, OUTPUTS);
        Tensor other = uneven(30, 40);
        Tensor otherNoise = normal(30, OUTPUTS);
        try (Moments fitted = moments(x, noise); Moments heldOut = moments(other, otherNoise)) {
            Tensor careless = new Ridge(fitted, false).change(1e-9);
            assertThat(error(x, noise, careless)).isLessThan(1e-6);
            assertThat(error(other, otherNoise, careless)).isGreaterThan(1.1 * heldOut.error());
            Optional<Ridge.Fit> fit = Ridge.best(fitted, heldOut, false, workspace);
            fit.ifPresent(found -> {
                assertThat(error(other, otherNoise, found.change().borrow())).isLessThan(heldOut.error());
                assertThat(found.lambda()).isGreaterThan(1e-2);
                found.close();
            });
        }
    }

    @Test
    void inputsOfZerosGiveNoFit() {
        Tensor x = torch.zeros_like(normal(20, CHANNELS));
        Tensor y = normal(20, OUTPUTS);
        try (Moments moments = moments(x, y)) {
            assertThat(Ridge.best(moments, moments, false, workspace)).isEmpty();
        }
    }

    @Test
    void threadsDoNotChangeTheFit() {
        Tensor x = uneven(60, 600); // several blocks, which threads share
        Tensor y = x.mm(normal(600, OUTPUTS)).add(normal(60, OUTPUTS));
        try (Moments fitted = moments(x.narrow(0, 0, 40), y.narrow(0, 0, 40));
                Moments heldOut = moments(x.narrow(0, 40, 20), y.narrow(0, 40, 20));
                Workers workers = new Workers(TestDevice.float32(3))) {
            Ridge.Fit alone = Ridge.best(fitted, heldOut, false, workspace).orElseThrow();
            List<Ridge.Fit> found = new ArrayList<>();
            workers.forEach(1, (_, own) -> found.add(Ridge.best(fitted, heldOut, false, own).orElseThrow()));
            Ridge.Fit shared = found.getFirst();
            assertThat(shared.lambda()).isEqualTo(alone.lambda());
            assertThat(shared.change().borrow().equal(alone.change().borrow())).isTrue();
            shared.close();
            alone.close();
        }
    }
}
