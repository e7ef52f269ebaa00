// Bars by day, above and below zero, drawn as SVG on the server. Widths are in per cent, so that texts keep their size.
import { scaleBand, scaleLinear } from 'd3-scale'
import type { Visit } from '../visit.tsx'

export interface DayBar {
  readonly day: string
  readonly cents: number
}

interface DayChartProps {
  readonly visit: Visit
  readonly bars: readonly DayBar[]
  /** What the chart shows, for those who do not see it; the same figures stand in a table. */
  readonly label: string
}

const height = 168
/** Room for the days below and half a line above. */
const [top, bottom] = [10, 24]

/** Every so many days has its date; on phones every other of these. */
const labelEvery = 5

export const DayChart = ({ visit, bars, label }: DayChartProps) => {
  const { formats } = visit
  const all = bars.map(({ cents }) => cents)
  const y = scaleLinear([Math.min(0, ...all), Math.max(0, 100, ...all)], [height - bottom, top]).nice(4)
  const x = scaleBand(
    bars.map(({ day }) => day),
    [0, 100],
  ).padding(0.25)
  const percent = (value: number) => `${value.toFixed(2)}%`
  return (
    <div class="chart">
      <svg class="chart-scale" width="72" height={height} aria-hidden="true">
        {y.ticks(4).map((tick) => (
          <text x="64" y={y(tick) + 4} text-anchor="end">
            {formats.roundMoney(tick)}
          </text>
        ))}
      </svg>
      <svg class="chart-plot" width="100%" height={height} role="img" aria-label={label}>
        {y.ticks(4).map((tick) => (
          <line class={tick === 0 ? 'zero' : ''} x1="0" x2="100%" y1={y(tick)} y2={y(tick)} />
        ))}
        {bars.map(({ day, cents }, index) => (
          <>
            <rect
              class={cents < 0 ? 'bar-out' : 'bar-in'}
              x={percent(x(day) ?? 0)}
              width={percent(x.bandwidth())}
              y={Math.min(y(0), y(cents))}
              height={Math.abs(y(cents) - y(0))}
            >
              <title>{`${formats.day(day)}: ${formats.signedMoney(cents)}`}</title>
            </rect>
            {(bars.length - 1 - index) % labelEvery === 0 && (
              <text
                class={(bars.length - 1 - index) % (2 * labelEvery) === 0 ? '' : 'minor'}
                x={percent((x(day) ?? 0) + x.bandwidth() / 2)}
                y={height - 6}
                text-anchor="middle"
              >
                {formats.shortDay(day)}
              </text>
            )}
          </>
        ))}
      </svg>
    </div>
  )
}
